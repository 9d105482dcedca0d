-- A resumable upload (tus 1.0.0). The offset of an open upload is the size of its file.
-- target_id names the lesson that it will be: fixed when the upload is created, so that finishing
-- twice (a crash in between) makes one lesson. generation is taken when the last byte is there.
create table upload (
  id text primary key,
  owner_id text not null references person,
  target_id text,
  new_version boolean not null default false,
  generation integer,
  length_bytes bigint check (length_bytes >= 0),
  received_bytes bigint not null default 0,
  filename text not null default '',
  fields jsonb not null default '{}',
  metadata jsonb not null default '{}',
  concat text not null default '' check (concat in ('', 'partial', 'final')),
  parts text[] not null default '{}',
  state text not null check (state in ('open', 'finished', 'expired', 'terminated')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index upload_owner on upload (owner_id) where state = 'open';
create index upload_expiry on upload (expires_at) where state = 'open';
create index upload_target on upload (target_id);
