-- The box in a school: who it is, and what it has reported. Its private key never leaves it.
create table edge (
  id text primary key,
  name text not null,
  school_id text not null references school,
  state text not null default 'waiting' check (state in ('waiting', 'enrolled', 'revoked')),
  code_digest bytea unique check (octet_length(code_digest) = 32),
  code_expires_at timestamptz,
  public_key bytea unique check (octet_length(public_key) = 32),
  names text[] not null default '{}',
  version text not null default '',
  created_by text references person on delete set null,
  created_at timestamptz not null default now(),
  enrolled_at timestamptz,
  seen_at timestamptz,
  check ((state = 'enrolled') = (public_key is not null)),
  check ((code_digest is null) = (code_expires_at is null))
);
create unique index edge_name on edge (lower(name));
create index edge_school on edge (school_id);

-- Each report counts once: the edge makes its id, and sends it again when the line broke.
create table edge_report (
  id uuid not null,
  edge_id text not null references edge on delete cascade,
  school_id text not null references school,
  kind text not null check (kind in ('attendance', 'question', 'qoe', 'status')),
  at timestamptz not null,
  body jsonb not null,
  received_at timestamptz not null default now(),
  primary key (edge_id, id)
);
create index edge_report_kind on edge_report (kind, school_id, at);
create index edge_report_received on edge_report (received_at);
create index edge_report_edge on edge_report (edge_id, received_at);

-- What a school's partners published lately is asked for by each of its edges.
create index lesson_school_published on lesson
  (school_id, (coalesce(published_at, created_at)) desc) where deleted_at is null;

-- Origins keep who may come in memory and listen here. That an edge was seen is no news.
create function edge_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('edge', coalesce(new.id, old.id));
  return null;
end $$;
create trigger edge_added after insert or delete on edge
  for each row execute function edge_notify();
create trigger edge_changed after update of name, school_id, state, public_key on edge
  for each row execute function edge_notify();

-- A school that moves takes its edges along.
create function edge_school_notify() returns trigger language plpgsql as $$
begin
  perform pg_notify('edge', id) from edge where school_id = new.id;
  return null;
end $$;
create trigger edge_school_moved after update of name, district_id, group_id on school
  for each row execute function edge_school_notify();
