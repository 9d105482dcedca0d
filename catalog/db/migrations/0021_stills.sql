-- Recordings that were finished before poster and thumbnails were made of them get theirs now.
insert into work (lesson_id, generation, unit)
select c.lesson_id, c.generation, 'stills' from recording c
where c.finished_at is not null
  and exists (select from rendition r where r.lesson_id = c.lesson_id
    and r.generation = c.generation and r.media = 'video')
  and not exists (select from side_product p where p.lesson_id = c.lesson_id
    and p.generation = c.generation and p.kind = 'poster')
on conflict do nothing;
