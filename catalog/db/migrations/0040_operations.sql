-- How it was, a row a minute and subject: the city, districts, schools, sessions, classrooms. Never
-- a viewer. Kept for 14 days (catalog/operations/history.py says which figures these are).
create table operations_minute (
  kind text not null check (kind in ('city', 'district', 'school', 'session', 'room')),
  subject text not null,
  minute timestamptz not null,
  rooms real,
  troubled real,
  viewers real,
  delay_ms real,
  skew_ms real,
  stalls real,
  estimate_bps real,
  use_bps real,
  cause real,
  primary key (kind, subject, minute)
);
create index operations_minute_time on operations_minute using brin (minute);
