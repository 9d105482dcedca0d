-- Who and where: the city's registry.
create table district (
  id text primary key,
  name text not null unique
);

create table education_group (
  id text primary key,
  name text not null unique
);

create table school (
  id text primary key,
  name text not null unique,
  district_id text not null references district,
  group_id text references education_group,
  setting text not null check (setting in ('urban', 'rural'))
);

create table school_pair (
  id text primary key,
  urban_school_id text not null references school,
  rural_school_id text not null references school,
  since date not null,
  until date check (until > since),
  check (urban_school_id <> rural_school_id),
  unique (urban_school_id, rural_school_id, since)
);

create table classroom (
  id text primary key,
  school_id text not null references school,
  name text not null,
  unique (school_id, name)
);

create table person (
  id text primary key,
  username text not null unique,
  name text not null,
  password_hash text,
  disabled boolean not null default false,
  quota_bytes bigint not null default 53687091200 check (quota_bytes >= 0),
  created_at timestamptz not null default now()
);

-- A right follows the person with dates: until is the first day it no longer holds.
create table affiliation (
  id text primary key,
  person_id text not null references person on delete cascade,
  role text not null check (role in
    ('administrator', 'district', 'school', 'teacher', 'researcher', 'classroom', 'pupil')),
  district_id text references district,
  school_id text references school,
  classroom_id text references classroom,
  since date not null,
  until date check (until > since)
);
create index affiliation_person on affiliation (person_id);
create index affiliation_school on affiliation (school_id);
create index affiliation_district on affiliation (district_id);
create index affiliation_classroom on affiliation (classroom_id);

-- An affiliation with the whole place that follows from it: a classroom's school, its district.
create view affiliation_place as
  select f.id, f.person_id, f.role, f.since, f.until, sc.id as school_id, sc.name as school_name,
    d.id as district_id, d.name as district_name, sc.group_id, c.id as classroom_id,
    c.name as classroom_name
  from affiliation f left join classroom c on c.id = f.classroom_id
    left join school sc on sc.id = coalesce(f.school_id, c.school_id)
    left join district d on d.id = coalesce(f.district_id, sc.district_id);

-- A browser or API session; its bearer token is stored only as a digest.
create table login (
  digest bytea primary key,
  person_id text not null references person on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  user_agent text not null default ''
);
create index login_expiry on login (expires_at);
create index login_person on login (person_id, created_at desc);

-- Keys that sign playback tokens (Ed25519, 32 secret bytes); every origin reads them here.
create table signing_key (
  id text primary key,
  secret bytea not null check (octet_length(secret) = 32),
  created_at timestamptz not null default now()
);
