-- Live sessions: who teaches what with which classrooms when, and how far it has come.
-- Secrets of the installation that no person sees; 'publish' derives the keys of encoders.
create table installation_secret (
  name text primary key,
  secret bytea not null check (octet_length(secret) >= 32),
  created_at timestamptz not null default now()
);

-- A school term: of the city, or of one school that keeps other times. A period is a lesson's place
-- in the day; a special day is a holiday (0) or taught like another weekday (1-7).
create table term (
  id text primary key,
  school_id text references school,
  name text not null,
  first_day date not null,
  weeks integer not null check (weeks between 1 and 30),
  period_starts time[] not null,
  period_durations_s integer[] not null,
  special_days date[] not null default '{}',
  special_weekdays integer[] not null default '{}',
  check (cardinality(period_starts) = cardinality(period_durations_s)),
  check (cardinality(special_days) = cardinality(special_weekdays))
);
create unique index term_name on term (coalesce(school_id, ''), name);

-- What recurs by school week and period; its sessions are made with it.
create table timetable (
  id text primary key,
  term_id text not null references term,
  school_id text references school,
  title text not null,
  weekday integer not null check (weekday between 1 and 7),
  period integer not null check (period >= 1),
  first_week integer not null check (first_week >= 1),
  last_week integer not null check (last_week >= first_week),
  parity text not null check (parity in ('every', 'odd', 'even')),
  created_by text not null references person,
  created_at timestamptz not null default now()
);
create index timetable_term on timetable (term_id);

create table session (
  id text primary key,
  title text not null,
  kind text not null check (kind in
    ('sync_class', 'open_class', 'guided_qa', 'research', 'paired_lesson')),
  state text not null default 'scheduled' check (state in
    ('scheduled', 'waiting', 'live', 'ended', 'recorded', 'cancelled', 'failed')),
  open_to_all boolean not null,
  visibility text not null
    check (visibility in ('public', 'city', 'group', 'school', 'private')),
  school_id text references school,
  series_id text references series,
  stage text not null default '',
  grade text not null default '',
  subject text not null default '',
  starts_at timestamptz not null,
  ends_at timestamptz not null check (ends_at > starts_at),
  key_version integer not null default 1,
  timetable_id text references timetable on delete set null,
  created_by text references person,
  created_at timestamptz not null default now(),
  opened_at timestamptz,
  live_at timestamptz,
  ended_at timestamptz
);
create index session_start on session (starts_at, id);
create index session_open on session (starts_at) where state in ('scheduled', 'waiting', 'live');
create index session_ended on session (ended_at) where state = 'ended';
create index session_school on session (school_id, starts_at);
create index session_timetable on session (timetable_id) where timetable_id is not null;

create table session_classroom (
  session_id text not null references session on delete cascade,
  classroom_id text not null references classroom,
  part text not null check (part in ('main', 'second', 'listening')),
  primary key (session_id, classroom_id)
);
create index session_classroom_place on session_classroom (classroom_id, session_id);
create unique index session_classroom_one on session_classroom (session_id, part)
  where part <> 'listening';

create table session_person (
  session_id text not null references session on delete cascade,
  person_id text not null references person,
  part text not null check (part in ('teacher', 'second_teacher', 'speaker')),
  primary key (session_id, person_id)
);
create index session_person_place on session_person (person_id, session_id);
create unique index session_person_one on session_person (session_id, part)
  where part <> 'speaker';

-- The recording of a feed is a lesson from its first segment on: 'uploading' until it is finished.
create table recording (
  session_id text not null references session on delete cascade,
  feed text not null check (feed in ('main', 'floor', 'second')),
  lesson_id text not null unique references lesson on delete cascade,
  generation integer not null default 1,
  anchor_utc double precision not null,
  finished_at timestamptz,
  joined_at timestamptz,
  primary key (session_id, feed)
);
create index recording_scattered on recording (finished_at)
  where finished_at is not null and joined_at is null;

-- What happened in a session's room, in order.
create table room_event (
  session_id text not null references session on delete cascade,
  number bigint not null,
  event jsonb not null,
  primary key (session_id, number)
);

-- Origins and pages listen on 'session'; the device in a classroom waits on 'classroom'.
create function session_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('session', new.id);
  perform pg_notify('classroom', classroom_id) from session_classroom where session_id = new.id;
  return null;
end $$;
create trigger session_notify after insert or update on session
  for each row execute function session_notify();

create function session_classroom_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('classroom', coalesce(new.classroom_id, old.classroom_id));
  return null;
end $$;
create trigger session_classroom_notify after insert or delete on session_classroom
  for each row execute function session_classroom_notify();
