-- A swept key stays as a tombstone: a worker that slept for days and publishes it now is refused,
-- and a key that is published while it waits here is in use again. The row lock orders the two.
alter table garbage add column swept_at timestamptz;
create index garbage_waiting on garbage (since) where swept_at is null;

create function key_published() returns trigger language plpgsql as $$
declare
  waiting garbage%rowtype;
begin
  select * into waiting from garbage where key = new.key for update;
  if found and waiting.swept_at is not null then
    raise exception 'object % was swept before it was published', new.key;
  elsif found then
    delete from garbage where key = new.key;
  end if;
  return new;
end $$;
create trigger key_published before insert on media_object
  for each row execute function key_published();
create trigger key_published before insert on source
  for each row execute function key_published();
create trigger key_published before insert on side_product
  for each row when (new.key <> '') execute function key_published();
