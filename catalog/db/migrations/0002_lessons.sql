create table series (
  id text primary key,
  name text not null unique,
  programme text not null default '',
  parent_id text references series,
  description text not null default ''
);

-- What is taught. change_xid is what the search index follows: a row is safe to read once every
-- transaction up to its change_xid has ended (pg_snapshot_xmin), so no late commit is missed.
create table lesson (
  id text primary key,
  title text not null,
  description text not null default '',
  series_id text references series,
  position integer,
  stage text not null default '',
  grade text not null default '',
  subject text not null default '',
  edition text not null default '',
  chapter text not null default '',
  knowledge_points text[] not null default '{}',
  tags text[] not null default '{}',
  teacher_id text references person,
  teacher_name text not null default '',
  school_id text references school,
  owner_id text references person,
  visibility text not null default 'public'
    check (visibility in ('public', 'city', 'group', 'school', 'private')),
  version integer not null default 1,
  state text not null check (state in
    ('uploading', 'queued', 'transcoding', 'playable', 'ready', 'failed')),
  error_code text not null default '',
  error_detail text not null default '',
  progress real not null default 0,
  eta_s real,
  duration_s double precision,
  content_kind text not null default '',
  generation integer not null default 0,
  plays bigint not null default 0,
  import_key text unique,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  deleted_at timestamptz,
  change_xid xid8 not null default pg_current_xact_id()
);
create index lesson_change_order on lesson (change_xid, id);
create index lesson_owner on lesson (owner_id, id desc);
create index lesson_state on lesson (state) where state <> 'ready';
create index lesson_deleted on lesson (deleted_at) where deleted_at is not null;
create index lesson_series on lesson (series_id, position);

create table subtitle (
  id text primary key,
  lesson_id text not null references lesson on delete cascade,
  language text not null,
  label text not null,
  webvtt text not null,
  transcript text not null,
  unique (lesson_id, language)
);

-- What search shows changed: the index follows change_xid. Progress and plays do not count.
create function lesson_changed() returns trigger language plpgsql as $$
begin
  new.change_xid := pg_current_xact_id();
  return new;
end $$;
create trigger lesson_changed before update of title, description, series_id, stage, grade, subject,
  edition, chapter, knowledge_points, tags, teacher_id, teacher_name, school_id, visibility, state,
  duration_s, deleted_at on lesson
  for each row execute function lesson_changed();

-- Everyone who watches a lesson (pages by server-sent events, the search index) listens here.
create function lesson_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('lesson', new.id);
  return null;
end $$;
create trigger lesson_added after insert on lesson
  for each row execute function lesson_notify();
-- A view that is counted is no news: a popular evening would wake every listener for each viewer.
create trigger lesson_notify after update on lesson
  for each row when (new.plays = old.plays) execute function lesson_notify();
