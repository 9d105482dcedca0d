"""Where the index lives on disk: one directory a build, and a file that names the one in use.

    <root>/current            name of the directory in use, replaced by a rename
    <root>/writer.lock        held by the one process that writes
    <root>/b-<id>/…           tantivy's files and state.json: schema, database, position
    <root>/gone-<id>/…        a build on its way out

A build of another schema, of another database, or that cannot be opened is never used; the indexer
makes a new one beside it and renames. Nothing here is worth a backup.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec
import tantivy

from catalog.errors import Unavailable
from catalog.ids import new_id
from catalog.search.schema import COLUMNS, VERSION, make_schema, register


class State(msgspec.Struct, frozen=True):
    """What a build holds: the database it follows and up to which transaction; whether whole."""

    schema: int
    database: str
    after_xid: int
    complete: bool


class Home:
    """The directory of all builds on this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> Path | None:
        """Give the build in use, None when there is none of this schema."""
        try:
            build = self.root / Path((self.root / "current").read_text("utf-8").strip()).name
        except (OSError, UnicodeDecodeError):
            return None
        state = self.state(build)
        return build if state and state.schema == VERSION else None

    def state(self, build: Path) -> State | None:
        """Read a build's state; None when missing or damaged."""
        try:
            return msgspec.json.decode((build / "state.json").read_bytes(), type=State)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def write_state(self, build: Path, state: State) -> None:
        """Write a build's state, whole or not at all."""
        _replace(build / "state.json", msgspec.json.encode(state))

    def new_build(self, state: State) -> Path:
        """Make an empty build; it is not in use yet."""
        build = self.root / f"b-{new_id()}"
        build.mkdir(parents=True)
        self.write_state(build, state)
        open_index(build, fresh=True)
        return build

    def use(self, build: Path) -> None:
        """Make this the build in use and remove all others."""
        _replace(self.root / "current", build.name.encode())
        self.sweep()

    def sweep(self) -> None:
        """Remove all builds but the one in use, also what a killed writer left. Writer only.

        Readers that still have an old one open keep its files until they look again.
        """
        kept = self.current()
        for partial in self.root.rglob("*.partial"):
            partial.unlink(missing_ok=True)
        for other in self.root.glob("b-*"):
            if other != kept:
                # Whoever opens an index makes a lock file in it: under another name none can.
                with suppress(OSError):
                    other.rename(self.root / f"gone-{new_id()}")
        for gone in self.root.glob("gone-*"):
            shutil.rmtree(gone, ignore_errors=True)

    def try_writing(self) -> IO[str] | None:
        """Try to become the one writer of this machine: closing the file gives it up again."""
        self.root.mkdir(parents=True, exist_ok=True)
        lock = (self.root / "writer.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return lock


def open_index(build: Path, fresh: bool = False) -> tantivy.Index:
    """Open a build and look through it once. Raises: Unavailable when it is damaged."""
    with guarded("open the search index"):
        if fresh:
            index = tantivy.Index(make_schema(), path=str(build))
        else:
            index = tantivy.Index.open(str(build))
        register(index)
        index.config_reader(reload_policy="manual")
        index.reload()
        probe(index)
        return index


def probe(index: tantivy.Index) -> None:
    """Read from every column and term list once, so that damage shows here and not in a query."""
    searcher = index.searcher()
    found = searcher.search(tantivy.Query.all_query(), 1, count=True, order_by_field="high")
    addresses = [address for _, address in found.hits]
    for name in ("high", "low", "plays", "name"):
        searcher.fast_field_values(name, addresses)
    for name in ("title", "topic", "all", "one", "py", "pya", "ini", "inia"):
        searcher.doc_freq(name, "理")
    searcher.terms_with_prefix("keys", "day:")
    searcher.aggregate(
        tantivy.Query.empty_query(),
        {name: {"terms": {"field": name}} for name in COLUMNS},
    )


@contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn tantivy's failures, its panics too, into Unavailable."""
    try:
        yield
    except (ValueError, OSError, RuntimeError) as error:
        raise Unavailable(f"cannot {what}: {error}") from error
    except BaseException as error:
        # A panic in Rust arrives as a BaseException that no module exports.
        if type(error).__name__ != "PanicException":
            raise
        raise Unavailable(f"cannot {what}: {error}") from error


def _replace(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
