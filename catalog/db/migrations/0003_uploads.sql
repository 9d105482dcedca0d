-- A resumable upload (tus 1.0.0). The offset of a live upload is the size of its file.
create table upload (
  id text primary key,
  owner_id text not null references person,
  lesson_id text references lesson on delete set null,
  length_bytes bigint,
  metadata jsonb not null default '{}',
  concat text not null default '' check (concat in ('', 'partial', 'final')),
  state text not null check (state in ('open', 'finished', 'expired', 'terminated')),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index upload_owner on upload (owner_id) where state = 'open';
create index upload_expiry on upload (expires_at) where state = 'open';
