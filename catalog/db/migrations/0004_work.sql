-- The bytes a teacher gave us, one row a version of the video. lesson.generation is the one that is
-- shown: it starts as 1 and moves to a newer one when that one has something to play.
create table source (
  lesson_id text not null references lesson on delete cascade,
  generation integer not null,
  key text not null,
  filename text not null,
  size_bytes bigint not null,
  probe jsonb,
  plan jsonb,
  created_at timestamptz not null default now(),
  primary key (lesson_id, generation)
);

-- One unit of work on a source: 'prepare', 'video/0', 'audio', 'side', 'av1/0' …
-- Every start of the unit takes the next attempt; only the newest attempt may publish.
create table work (
  lesson_id text not null references lesson on delete cascade,
  generation integer not null,
  unit text not null,
  state text not null default 'wanted'
    check (state in ('wanted', 'running', 'done', 'failed', 'cancelled')),
  attempt integer not null default 0,
  failures integer not null default 0,
  priority text not null default 'fresh' check (priority in ('fresh', 'backlog')),
  not_before timestamptz not null default now(),
  worker text not null default '',
  progress real not null default 0,
  speed real,
  result jsonb,
  error_code text not null default '',
  error text not null default '',
  updated_at timestamptz not null default now(),
  primary key (lesson_id, generation, unit)
);
create index work_open on work (state) where state in ('wanted', 'running');

-- How attempts ended, summed up: figures for operators.
create table work_tally (
  kind text not null,
  outcome text not null,
  ended bigint not null,
  media_s double precision not null,
  took_s double precision not null,
  primary key (kind, outcome)
);

create function work_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('work', new.lesson_id);
  return null;
end $$;
create trigger work_notify after insert or update of state on work
  for each row when (new.state = 'wanted') execute function work_notify();
