-- What else search shows of a lesson: renames, moves, subtitles and (roughly) plays touch it, so
-- that the index, which follows lesson.change_xid, takes it in again.
create index lesson_teacher on lesson (teacher_id);
create index lesson_school on lesson (school_id);

create function touch_school_lessons() returns trigger language plpgsql as $$
begin
  update lesson set change_xid = pg_current_xact_id() where school_id = new.id;
  return null;
end $$;
create trigger touch_school_lessons after update of name, district_id, group_id on school
  for each row when (old is distinct from new) execute function touch_school_lessons();

create function touch_series_lessons() returns trigger language plpgsql as $$
begin
  update lesson set change_xid = pg_current_xact_id() where series_id = new.id;
  return null;
end $$;
create trigger touch_series_lessons after update of name on series
  for each row when (old.name <> new.name) execute function touch_series_lessons();

-- A lesson keeps the teacher's name as text; it follows the person while it is the same name.
create function rename_teacher() returns trigger language plpgsql as $$
begin
  update lesson set teacher_name = new.name where teacher_id = new.id and teacher_name = old.name;
  return null;
end $$;
create trigger rename_teacher after update of name on person
  for each row when (old.name <> new.name) execute function rename_teacher();

create function touch_subtitled_lesson() returns trigger language plpgsql as $$
begin
  update lesson set change_xid = pg_current_xact_id()
    where id = coalesce(new.lesson_id, old.lesson_id);
  return null;
end $$;
create trigger touch_subtitled_lesson after insert or delete or update of transcript on subtitle
  for each row execute function touch_subtitled_lesson();

-- Every view would be a change too many: the order by plays is right within a fifth.
create trigger lesson_played before update of plays on lesson
  for each row when (floor(4 * ln(new.plays + 1)) <> floor(4 * ln(old.plays + 1)))
  execute function lesson_changed();
