"""A catalogue with something in every table, in text that tries to break out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from catalog.db import dump
from catalog.ids import new_id
from catalog.store.keys import media_key, side_key, source_key
from tests.support.database import PostgresServer

NASTY = "一\t二\\n\\.\n\"三\" 'x'; drop table lesson; -- <b>&amp;\r\\\\"
Rows = dict[str, list[tuple[Any, ...]]]


def fill(dsn: str) -> None:
    """Put rows into every table that a backup keeps."""
    with psycopg.connect(dsn) as connection:
        city = _people(connection)
        for number in range(3):
            _lesson(connection, f"{NASTY}{number}", city)


def _add(connection: dump.Database, table: str, **values: Any) -> str:
    connection.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        ),
        values,
    )
    return str(values.get("id", ""))


def _people(connection: dump.Database) -> dict[str, str]:
    district = _add(connection, "district", id=new_id(), name=NASTY)
    group = _add(connection, "education_group", id=new_id(), name="集团")
    urban, rural = (
        _add(connection, "school", id=new_id(), name=f"{setting}小学", district_id=district,
             group_id=group, setting=setting)
        for setting in ("urban", "rural")
    )  # fmt: skip
    _add(connection, "school_pair", id=new_id(), urban_school_id=urban, rural_school_id=rural,
         since="2020-09-01", until="2030-09-01")  # fmt: skip
    room = _add(connection, "classroom", id=new_id(), school_id=rural, name="三年级一班")
    person = _add(connection, "person", id=new_id(), username="teacher", name=NASTY,
                  password_hash="$argon2id$x")  # fmt: skip
    _add(connection, "affiliation", id=new_id(), person_id=person, role="teacher",
         school_id=urban, since="2021-01-01")  # fmt: skip
    _add(connection, "affiliation", id=new_id(), person_id=person, role="classroom",
         classroom_id=room, since="2021-01-01", until="2022-01-01")  # fmt: skip
    _add(connection, "login", digest=b"\x00\xff", person_id=person, expires_at="2030-01-01")
    _add(connection, "signing_key", id=new_id(), secret=bytes(range(32)))
    course = _add(connection, "series", id=new_id(), name="名师空中课堂")
    series = _add(connection, "series", id=new_id(), name="分数", parent_id=course)
    return {"person": person, "school": urban, "series": series}


def _lesson(connection: dump.Database, title: str, city: dict[str, str]) -> None:
    lesson = new_id()
    _add(connection, "lesson", id=lesson, title=title, series_id=city["series"], state="ready",
         tags=[NASTY, "", "标签"], teacher_id=city["person"], school_id=city["school"],
         duration_s=1 / 3, generation=1)  # fmt: skip
    _add(connection, "subtitle", id=new_id(), lesson_id=lesson, language="zh", label="中文",
         webvtt=f"WEBVTT\n\n{NASTY}", transcript=NASTY)  # fmt: skip
    _add(connection, "upload", id=new_id(), owner_id=city["person"], state="open",
         expires_at="2030-01-01", metadata=Jsonb({"title": NASTY}))  # fmt: skip
    _add(connection, "source", lesson_id=lesson, generation=1, key=source_key(lesson, 1),
         filename=f"{NASTY}.mp4", size_bytes=7, probe=Jsonb({"a": [NASTY, None, 1.5]}))  # fmt: skip
    _add(connection, "work", lesson_id=lesson, generation=1, unit="video/0", state="done")
    rendition = _add(connection, "rendition", id=new_id(), lesson_id=lesson, generation=1,
                     name="v720", media="video", codecs="avc1.64001f", timescale=90_000,
                     init=bytes(range(256)), rung=0, complete=True)  # fmt: skip
    _add(connection, "media_object", rendition_id=rendition, first_number=0,
         key=media_key(lesson, 1, "v720", 0, 1), init_bytes=2, base_ts=0, sizes=[3, 4],
         durations_ts=[180_000, 90_000])  # fmt: skip
    _add(connection, "side_product", lesson_id=lesson, generation=1, kind="poster",
         key=side_key(lesson, 1, "poster", 1, 0), detail=Jsonb({"x": NASTY}))  # fmt: skip
    _add(connection, "garbage", key=media_key(lesson, 0, "v720", 0, 1))
    _add(connection, "work_tally", kind=lesson, outcome="done", ended=1, media_s=0.1, took_s=2.5)


def rows_of(dsn: str) -> Rows:
    """Every kept row of the catalogue, in one order."""
    with psycopg.connect(dsn) as connection:
        return {
            table.name: sorted(connection.execute(_select(table)).fetchall(), key=repr)
            for table in dump.tables(connection)
        }


def _select(table: dump.Table) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, table.columns))
    return sql.SQL("select {} from {}").format(columns, sql.Identifier(table.name))


@pytest.fixture
def filled(dsn: str) -> str:
    """Connection string of a catalogue with something in every table."""
    fill(dsn)
    return dsn


@pytest.fixture
def other(postgres: PostgresServer) -> Iterator[str]:
    """Connection string of another, empty catalogue."""
    with postgres.database() as dsn:
        yield dsn


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Where the backup goes."""
    return tmp_path / "backup.tar.gz"
