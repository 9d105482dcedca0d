"""Bring a backup back: all of it is verified before anything is changed, then all or nothing.

The archive is read to its end and every file compared with the manifest. Then one transaction makes
the schema as it was, fills it, and applies the steps that are newer than the backup. It goes into
an empty database, or over a filled one only when told so, and never while the service runs.
Nothing of the archive is unpacked to disk, and no name in it becomes a path.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import msgspec
import psycopg

from catalog.backup import FORMAT, MANIFEST, OBJECTS, BackupError, Manifest, Member, first_line
from catalog.db import dump
from catalog.db.migrate import Migration, apply_steps, catalog_migrations

log = logging.getLogger(__name__)

MANIFEST_LIMIT_BYTES = 16 * 1024 * 1024
BLOCK_BYTES = 1 << 20
_BROKEN = (OSError, tarfile.TarError, EOFError, zlib.error)


class BackupDamaged(BackupError):
    """The archive is not what was written."""


def read_manifest(archive: Path) -> Manifest:
    """Verify the whole archive and give its manifest. Raises: BackupError."""
    with _Reader(archive) as reader:
        for _, blocks in reader.members():
            for _ in blocks:
                pass
        return reader.manifest


def restore(dsn: str, archive: Path, *, replace: bool = False) -> Manifest:
    """Fill the database from a verified archive; give its manifest.

    Raises: BackupError; the database is then as it was.
    """
    manifest = read_manifest(archive)
    ours = catalog_migrations()
    then, newer = _split(manifest, ours)
    try:
        with psycopg.connect(dsn) as connection:
            _refuse(connection, replace)
            dump.empty_database(connection)
            apply_steps(connection, then)
            _fill(connection, archive)
            apply_steps(connection, [*then, *newer])
    except psycopg.Error as error:
        raise BackupError(f"the database took nothing: {first_line(error)}") from error
    return manifest


def _split(
    manifest: Manifest, ours: Sequence[Migration]
) -> tuple[list[Migration], list[Migration]]:
    """Part our steps into those of the backup and the newer ones."""
    known = {step.name: step for step in ours}
    for name, digest in manifest.steps:
        if name not in known:
            raise BackupError(
                f"the backup was made by a newer Tongbu ({manifest.program}, step {name}): "
                "install that one first"
            )
        if known[name].digest != digest:
            raise BackupError(
                f"step {name} of the backup differs from this program's: "
                f"install Tongbu {manifest.program} to restore it"
            )
    then = {name for name, _ in manifest.steps}
    return [s for s in ours if s.name in then], [s for s in ours if s.name not in then]


def _refuse(connection: dump.Database, replace: bool) -> None:
    others = dump.others_connected(connection)
    if others:
        raise BackupError(
            f"{others} other connections use this database: stop Tongbu everywhere, then restore"
        )
    filled = dump.filled(connection)
    if filled and not replace:
        what = ", ".join(f"{count} rows in {name}" for name, count in filled.items())
        raise BackupError(
            f"the database is not empty ({what}): restore into an empty one, "
            "or give --replace to lose what is there"
        )


def _fill(connection: dump.Database, archive: Path) -> None:
    kept = {table.name: table for table in dump.tables(connection)}
    with _Reader(archive) as reader:
        for member, blocks in reader.members():
            if member.name == OBJECTS:
                continue
            if member.name not in kept:
                raise BackupDamaged(f"the schema of the backup has no table {member.name}")
            rows = dump.copy_in(connection, dump.Table(member.name, member.columns), blocks)
            if rows != member.rows:
                raise BackupDamaged(f"{member.name}: {rows} rows came in, not {member.rows}")


def listed_objects(archive: Path) -> Iterator[bytes]:
    """Give the list of stored objects that the backup was made with, if it has one."""
    with _Reader(archive) as reader:
        for member, blocks in reader.members():
            for block in blocks:
                if member.name == OBJECTS:
                    yield block


class _Reader:
    """An archive read once from front to end, compared with its manifest on the way."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> _Reader:
        with ExitStack() as stack:
            try:
                self._plain = stack.enter_context(gzip.open(self._path))
                self._archive = stack.enter_context(tarfile.open(fileobj=self._plain, mode="r|"))
            except FileNotFoundError as error:
                raise BackupError(f"there is no backup at {self._path}") from error
            except _BROKEN as error:
                raise self._damaged("it is no tar.gz, or ends early") from error
            self.manifest = self._manifest()
            self._close = stack.pop_all().close
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _damaged(self, why: str) -> BackupDamaged:
        return BackupDamaged(f"the backup {self._path} is damaged: {why}. Take another one")

    def _next(self) -> tuple[str, IO[bytes]] | None:
        try:
            header = self._archive.next()
            file = self._archive.extractfile(header) if header else None
        except _BROKEN as error:
            raise self._damaged("it ends early or was changed") from error
        return (header.name, file) if header and file else None

    def _manifest(self) -> Manifest:
        first = self._next()
        if first is None or first[0] != MANIFEST:
            raise self._damaged("it has no manifest in front")
        text = b"".join(self._blocks(first[1], MANIFEST_LIMIT_BYTES))
        try:
            version = msgspec.json.decode(text, type=_Version).format
            if version != FORMAT:
                raise BackupError(f"the backup has format {version}, this program reads {FORMAT}")
            return msgspec.json.decode(text, type=Manifest)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._damaged("its manifest cannot be read") from error

    def members(self) -> Iterator[tuple[Member, Iterator[bytes]]]:
        """Give each file; its blocks must be read to the end before the next."""
        for member in self.manifest.members:
            found = self._next()
            if found is None or found[0] != member.path:
                raise self._damaged(f"{member.path} is missing")
            yield member, self._compared(member, found[1])
        if self._next() is not None:
            raise self._damaged("it holds more than its manifest says")
        self._to_the_end()

    def _to_the_end(self) -> None:
        """Read what follows the last file: gzip compares its checksum there."""
        try:
            while self._plain.read(BLOCK_BYTES):
                pass
        except _BROKEN as error:
            raise self._damaged("its checksum differs") from error

    def _compared(self, member: Member, file: IO[bytes]) -> Iterator[bytes]:
        digest, rows = hashlib.sha256(), 0
        for block in self._blocks(file, member.size_bytes):
            digest.update(block)
            rows += block.count(b"\n")
            yield block
        if digest.hexdigest() != member.sha256 or rows != member.rows:
            raise self._damaged(f"{member.path} differs from what was written")

    def _blocks(self, file: IO[bytes], limit_bytes: int) -> Iterator[bytes]:
        left = limit_bytes
        while True:
            try:
                block = file.read(BLOCK_BYTES)
            except _BROKEN as error:
                raise self._damaged("it ends early or was changed") from error
            if not block:
                return
            left -= len(block)
            if left < 0:
                raise self._damaged("a file in it is longer than it may be")
            yield block


class _Version(msgspec.Struct):
    format: int
