"""Fill, back up, restore elsewhere, compare every row; refuse what cannot be trusted."""

from __future__ import annotations

import gzip
import io
import random
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
import pytest

from catalog import backup, restore
from catalog.backup import MANIFEST, BackupError, Manifest, write_backup
from catalog.db import dump
from catalog.db.migrate import Migration, catalog_migrations
from catalog.restore import listed_objects, read_manifest
from tests.integration.backup.conftest import rows_of

FILLED_TABLES = 18
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def back_up(dsn: str, archive: Path, objects: Path | None = None) -> Manifest:
    return write_backup(dsn, archive, NOW, "0.1.0", objects)


def wipe(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        dump.empty_database(connection)


def test_every_row_comes_back(filled: str, other: str, archive: Path) -> None:
    before = rows_of(filled)
    assert sum(bool(rows) for rows in before.values()) >= FILLED_TABLES
    written = back_up(filled, archive)
    assert restore.restore(other, archive) == written
    assert rows_of(other) == before
    assert rows_of(filled) == before
    assert written.rows("lesson") == 3


def test_restores_into_a_database_without_any_table(filled: str, other: str, archive: Path) -> None:
    back_up(filled, archive)
    wipe(other)
    restore.restore(other, archive)
    assert rows_of(other) == rows_of(filled)
    with psycopg.connect(other) as connection:
        assert dump.steps(connection) == [(s.name, s.digest) for s in catalog_migrations()]


def test_sessions_and_transaction_numbers_are_not_kept(
    filled: str, other: str, archive: Path
) -> None:
    """A restored lesson must not look as if a transaction of the far future had changed it."""
    back_up(filled, archive)
    restore.restore(other, archive)
    with psycopg.connect(other) as connection:
        assert connection.execute("select count(*) from login").fetchone() == (0,)
        ahead = connection.execute(
            "select count(*) from lesson"
            " where change_xid >= pg_snapshot_xmin(pg_current_snapshot())"
        )
        assert ahead.fetchone() == (0,)


def test_no_table_counts_by_a_sequence(dsn: str) -> None:
    """Restore sets no sequence: whoever adds one must teach it to."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(
            "select c.relname from pg_class c where c.relkind = 'S'"
            " and c.relnamespace = 'public'::regnamespace and c.relname not like 'procrastinate%'"
        ).fetchall()
    assert found == []


def test_is_readable_by_its_owner_only_and_leaves_nothing_else(filled: str, archive: Path) -> None:
    back_up(filled, archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in archive.parent.iterdir()] == [archive.name]


def test_never_writes_over_another_backup(filled: str, archive: Path) -> None:
    archive.write_bytes(b"precious")
    with pytest.raises(BackupError, match="another name"):
        back_up(filled, archive)
    assert archive.read_bytes() == b"precious"


def test_is_one_snapshot_while_the_service_writes(
    filled: str, other: str, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lesson added between two tables is in none of them."""
    before = rows_of(filled)
    tables = dump.tables

    def tables_then_a_writer(connection: dump.Database) -> list[dump.Table]:
        found = tables(connection)
        with psycopg.connect(filled) as writer:
            writer.execute("insert into series (id, name) values ('late', 'late')")
            writer.execute("delete from subtitle")
        return found

    monkeypatch.setattr(dump, "tables", tables_then_a_writer)
    back_up(filled, archive)
    monkeypatch.undo()
    restore.restore(other, archive)
    assert rows_of(other) == before


def test_a_filled_database_is_replaced_only_when_told(
    filled: str, other: str, archive: Path
) -> None:
    back_up(filled, archive)
    with psycopg.connect(other) as connection:
        connection.execute("insert into person (id, username, name) values ('a', 'a', 'a')")
        connection.execute("create table left_over (x text)")
    with pytest.raises(BackupError, match=r"not empty \(1 rows in person\).*--replace"):
        restore.restore(other, archive)
    assert len(rows_of(other)["person"]) == 1
    restore.restore(other, archive, replace=True)
    assert rows_of(other) == rows_of(filled)


def test_is_refused_while_others_use_the_database(filled: str, other: str, archive: Path) -> None:
    back_up(filled, archive)
    with psycopg.connect(other), pytest.raises(BackupError, match="stop Tongbu"):
        restore.restore(other, archive)


def test_an_older_backup_gets_the_newer_steps(
    filled: str, other: str, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(filled, archive)
    newer = Migration("9999_newer", "alter table series add column colour text default 'red'")
    monkeypatch.setattr(restore, "catalog_migrations", lambda: [*catalog_migrations(), newer])
    restore.restore(other, archive)
    with psycopg.connect(other) as connection:
        assert connection.execute("select distinct colour from series").fetchall() == [("red",)]
        assert dump.steps(connection)[-1][0] == "9999_newer"


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (Migration("9999_future", "select 1"), "newer Tongbu"),
        (Migration("0001_registry", "select 2"), "differs"),
    ],
)
def test_a_backup_of_a_schema_that_is_not_ours_is_refused(
    filled: str, other: str, archive: Path, step: Migration, says: str
) -> None:
    with psycopg.connect(filled) as connection:
        connection.execute("delete from migration where name = %s", (step.name,))
        connection.execute("insert into migration values (%s, %s)", (step.name, step.digest))
    back_up(filled, archive)
    with pytest.raises(BackupError, match=says):
        restore.restore(other, archive)
    assert rows_of(other)["lesson"] == []


def test_a_database_without_a_catalogue_has_no_backup(other: str, archive: Path) -> None:
    wipe(other)
    with pytest.raises(BackupError, match="nothing to back up"):
        back_up(other, archive)
    assert list(archive.parent.iterdir()) == []


def test_no_database_is_told_in_a_sentence(archive: Path) -> None:
    with pytest.raises(BackupError, match="the database gave no backup"):
        back_up("host=/nonexistent dbname=x", archive)


Damage = Callable[[bytes], bytes]


def rewritten(change: Callable[[str, bytes], bytes | None]) -> Damage:
    """Unpack, change or leave out members, pack again with correct checksums of tar and gzip."""

    def damage(whole: bytes) -> bytes:
        result = io.BytesIO()
        with (
            tarfile.open(fileobj=io.BytesIO(whole)) as old,
            tarfile.open(fileobj=result, mode="w:gz") as new,
        ):
            for header in old:
                file = old.extractfile(header)
                assert file
                body = change(header.name, file.read())
                if body is not None:
                    header.size = len(body)
                    new.addfile(header, io.BytesIO(body))
        return result.getvalue()

    return damage


def of_format_99(name: str, body: bytes) -> bytes:
    if name != MANIFEST:
        return body
    return msgspec.json.encode({**msgspec.json.decode(body), "format": 99})


def longer(whole: bytes) -> bytes:
    """Put one file more behind the last."""
    plain = io.BytesIO(gzip.decompress(whole))
    with tarfile.open(fileobj=plain, mode="a") as archive:
        archive.addfile(tarfile.TarInfo("../../etc/passwd"))
    return gzip.compress(plain.getvalue())


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda whole: whole[: len(whole) // 2], "ends early"),
        (lambda whole: whole[:-4], "damaged"),
        (lambda whole: whole[:-8] + b"\x00\x00\x00\x00" + whole[-4:], "checksum"),
        (lambda whole: b"", "damaged"),
        (lambda whole: b"not a backup" * 100, "no tar.gz"),
        (lambda whole: gzip.compress(b"not a tar" * 1000), "damaged"),
        (rewritten(lambda name, body: body.replace(b"v720", b"v721")), "differs"),
        (rewritten(lambda name, body: None if name == "tables/lesson.copy" else body), "missing"),
        (rewritten(lambda name, body: None if name == MANIFEST else body), "no manifest"),
        (rewritten(lambda name, body: body + b"x" * (name != MANIFEST)), "longer than it may be"),
        (rewritten(lambda name, body: body[:-1] if "lesson" in name else body), "differs"),
        (rewritten(lambda name, body: b"{" if name == MANIFEST else body), "manifest"),
        (rewritten(lambda name, body: b'"\xb8"' if name == MANIFEST else body), "manifest"),
        (rewritten(of_format_99), "format 99"),
        (longer, "more than its manifest"),
    ],
)
def test_a_damaged_archive_is_refused_with_a_sentence(
    filled: str, other: str, archive: Path, damage: Damage, says: str
) -> None:
    back_up(filled, archive)
    archive.write_bytes(damage(archive.read_bytes()))
    with pytest.raises(BackupError, match=says):
        restore.restore(other, archive)
    assert rows_of(other)["lesson"] == []


def test_any_changed_byte_is_found_or_harmless(filled: str, archive: Path) -> None:
    """Whatever byte flips: refused with our error, or (in padding, names, times) read the same."""
    written = back_up(filled, archive)
    whole = archive.read_bytes()
    chance = random.Random(20261123)
    refused = 0
    for _ in range(150):
        at = chance.randrange(len(whole))
        archive.write_bytes(
            whole[:at] + bytes([whole[at] ^ 1 << chance.randrange(8)]) + whole[at + 1 :]
        )
        try:
            assert read_manifest(archive) == written
        except BackupError:
            refused += 1
    assert refused > 130


def test_a_failure_while_filling_changes_nothing(
    filled: str, other: str, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that the schema refuses: the archive is whole, but no such catalogue ever was."""
    with psycopg.connect(filled) as connection:
        connection.execute("alter table lesson drop constraint lesson_state_check")
        connection.execute("update lesson set state = 'nonsense'")
    back_up(filled, archive)
    with psycopg.connect(other) as connection:
        connection.execute("insert into person (id, username, name) values ('a', 'a', 'a')")
    before = rows_of(other)
    with pytest.raises(BackupError, match=r"took nothing.*lesson_state_check"):
        restore.restore(other, archive, replace=True)
    assert rows_of(other) == before


def test_there_must_be_a_backup(other: str, archive: Path) -> None:
    with pytest.raises(BackupError, match="there is no backup at"):
        restore.restore(other, archive)


def test_the_list_of_objects_travels_with_it(filled: str, archive: Path, tmp_path: Path) -> None:
    listed = tmp_path / "listed"
    listed.write_text("media/x\t7\nside/y\t8\n")
    assert back_up(filled, archive, listed).rows(backup.OBJECTS) == 2
    assert b"".join(listed_objects(archive)) == b"media/x\t7\nside/y\t8\n"
