"""A backup of the catalogue: one archive with everything that lasts except the media themselves.

A tar.gz of `manifest.json`, then each table as PostgreSQL's text format, taken in one snapshot
while the service runs, then, when asked for, the list of stored objects. It holds the signing keys
and password hashes, so it is readable by its owner only. It appears under its name when it is whole
and on disk. `catalog/restore.py` reads it back.
"""

from __future__ import annotations

import hashlib
import io
import logging
import os
import secrets
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec
import psycopg

from catalog.db import dump
from catalog.errors import CatalogError
from catalog.store.files import sync_directory

log = logging.getLogger(__name__)

FORMAT = 1
MANIFEST = "manifest.json"
OBJECTS = "objects.tsv"
MODE = 0o600
COMPRESSION = 6
BLOCK_BYTES = 1 << 20


class BackupError(CatalogError):
    """The backup cannot be made or used; the message says what to do."""


class Member(msgspec.Struct, frozen=True):
    """One file of the archive: its rows are its lines."""

    name: str
    rows: int
    size_bytes: int
    sha256: str
    columns: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Name of the file in the archive."""
        return self.name if self.name == OBJECTS else f"tables/{self.name}.copy"


class Manifest(msgspec.Struct, frozen=True):
    """What an archive holds, who made it and of which schema."""

    format: int
    made_at: datetime
    program: str
    server: str
    steps: tuple[tuple[str, str], ...]
    members: tuple[Member, ...]

    def rows(self, name: str) -> int:
        """Count of rows of one table."""
        return next((member.rows for member in self.members if member.name == name), 0)


def write_backup(
    dsn: str, target: Path, now: datetime, program: str, objects: Path | None = None
) -> Manifest:
    """Write the archive to target, which must not exist yet. Give what it holds.

    `objects` is a list as `catalog.inventory.list_objects` writes it. Raises: BackupError.
    """
    if target.exists():
        raise BackupError(f"{target} is there already: choose another name")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tongbu-backup-") as spool:
            manifest = _spool(dsn, Path(spool), now, program, objects)
            with _whole(target) as file:
                _pack(file, Path(spool), manifest)
    except OSError as error:
        raise BackupError(f"the backup cannot be written to {target}: {error.strerror}") from error
    except psycopg.Error as error:
        raise BackupError(f"the database gave no backup: {first_line(error)}") from error
    return manifest


def first_line(error: Exception) -> str:
    """What an error of the database says, in one line."""
    return str(error).strip().partition("\n")[0]


def _spool(dsn: str, spool: Path, now: datetime, program: str, objects: Path | None) -> Manifest:
    """Write every table of one snapshot to a file of its own."""
    members: list[Member] = []
    with psycopg.connect(dsn) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        steps = dump.steps(connection)
        if not steps:
            raise BackupError("the database holds no catalogue: nothing to back up")
        for table in dump.tables(connection):
            blocks = dump.copy_out(connection, table)
            members.append(_write(spool, table.name, blocks, table.columns))
        server = str(connection.info.server_version)
    if objects is not None:
        with objects.open("rb") as listed:
            members.append(_write(spool, OBJECTS, iter(partial(listed.read, BLOCK_BYTES), b"")))
    return Manifest(FORMAT, now, program, server, tuple(steps), tuple(members))


def _write(
    spool: Path, name: str, blocks: Iterable[bytes], columns: tuple[str, ...] = ()
) -> Member:
    digest, rows, size = hashlib.sha256(), 0, 0
    with (spool / name).open("wb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            rows += block.count(b"\n")
            size += len(block)
    return Member(name, rows, size, digest.hexdigest(), columns)


@contextmanager
def _whole(target: Path) -> Iterator[io.BufferedWriter]:
    """Give a file that gets target's name when it is complete and on disk."""
    half = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, MODE), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(half, target)
        sync_directory(target.parent)
    finally:
        half.unlink(missing_ok=True)


def _pack(file: io.BufferedWriter, spool: Path, manifest: Manifest) -> None:
    with tarfile.open(fileobj=file, mode="w:gz", compresslevel=COMPRESSION) as archive:
        text = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
        archive.addfile(_header(MANIFEST, len(text), manifest.made_at), io.BytesIO(text))
        for member in manifest.members:
            with (spool / member.name).open("rb") as source:
                archive.addfile(_header(member.path, member.size_bytes, manifest.made_at), source)


def _header(path: str, size_bytes: int, made_at: datetime) -> tarfile.TarInfo:
    header = tarfile.TarInfo(path)
    header.size, header.mode, header.mtime = size_bytes, MODE, int(made_at.timestamp())
    return header
