-- A rendition and its media objects. Segments of one object lie one behind the other:
-- segment i of the object begins at init_bytes + sum(sizes[0..i)). The first keyframe_sizes[i] bytes
-- of a video segment show its first picture (players seek with these); audio has none.
create table rendition (
  id text primary key,
  lesson_id text not null references lesson on delete cascade,
  generation integer not null,
  name text not null,
  media text not null check (media in ('video', 'audio')),
  codecs text not null,
  timescale integer not null,
  init bytea not null,
  width_px integer,
  height_px integer,
  frame_rate_num integer,
  frame_rate_den integer,
  sample_rate_hz integer,
  channels integer,
  rung integer not null,
  complete boolean not null default false,
  unique (lesson_id, generation, name)
);

create table media_object (
  rendition_id text not null references rendition on delete cascade,
  first_number integer not null,
  key text not null unique,
  init_bytes integer not null,
  base_ts bigint not null,
  sizes integer[] not null,
  durations_ts integer[] not null,
  keyframe_sizes integer[] not null default '{}',
  primary key (rendition_id, first_number),
  check (cardinality(sizes) = cardinality(durations_ts)),
  check (cardinality(keyframe_sizes) in (0, cardinality(sizes)))
);

-- Poster, thumbnail sprites, chapters.
create table side_product (
  lesson_id text not null references lesson on delete cascade,
  generation integer not null,
  kind text not null check (kind in ('poster', 'sprite', 'thumbnails', 'chapters')),
  key text not null default '',
  content_type text not null default '',
  detail jsonb not null default '{}',
  primary key (lesson_id, generation, kind, key)
);

-- Keys that nothing points at any more; swept from the object store after a grace time.
create table garbage (
  key text primary key,
  since timestamptz not null default now()
);
