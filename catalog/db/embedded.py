"""The embedded PostgreSQL: the server programs of a wheel (or of the machine), run as our child.

Makes a cluster once, starts `postgres` directly and stops it with a fast shutdown. It listens on a
Unix socket only, in a directory of mode 0700, and dies with us. Where it lives and as whom it runs:
catalog/db/home.py; which programs: catalog/db/binaries.py. Not for production: set a database URL
for that.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from catalog.db.binaries import Binaries, PostgresError, find_binaries
from catalog.db.home import APART, Home, home_of, locked, reachable, socket_directory

START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
LOG_TAIL_BYTES = 4000
PORT = 5432
_PR_SET_PDEATHSIG = 1
_SOCKET_LINE = 4
_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "TMPDIR")
# What is left of a server that was killed goes by itself, within moments.
_LEFTOVERS = ("shared memory block", "postmaster.pid")

__all__ = ["PostgresError", "embedded_postgres", "running_server"]


@contextmanager
def embedded_postgres(
    data_dir: Path, apart: Path = APART, places: Sequence[Path] | None = None
) -> Iterator[str]:
    """Run the cluster kept below data_dir and give its connection string; stop it at the end.

    Call it from the main thread: the server ends with the thread that started it. `apart` is where
    root keeps a cluster whose account cannot reach data_dir; `places` are the directories to look
    for programs in, by default those of catalog/db/binaries.py.
    Raises: PostgresError with what to do when it cannot start.
    """
    home = home_of(data_dir, apart)
    with locked(home, data_dir):
        binaries = reachable(find_binaries(home.made_by, places), home)
        if home.made_by is None:
            _initdb(binaries, home)
        with socket_directory(home) as socket_dir:
            server = _start_until_up(binaries, home, socket_dir)
            try:
                yield _ensure_database(socket_dir)
            finally:
                _stop(server)


def running_server(data_dir: Path) -> str | None:
    """Give the connection string of the cluster below data_dir if some process runs it now."""
    try:
        lines = (home_of(data_dir).cluster / "postmaster.pid").read_text().splitlines()
        dsn = _dsn(Path(lines[_SOCKET_LINE]), "tongbu")
        psycopg.connect(dsn, connect_timeout=2).close()
    except (OSError, IndexError, PostgresError, psycopg.OperationalError):
        return None
    return dsn


def _dsn(socket_dir: Path, database: str) -> str:
    return make_conninfo(host=str(socket_dir), port=PORT, user="postgres", dbname=database)


def _environment() -> dict[str, str]:
    # PGPORT, PGDATA, LC_ALL and the like of the caller must not reach the server.
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C"}


def _initdb(binaries: Binaries, home: Home) -> None:
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    half = home.path / "cluster.new"
    for left in (half, home.cluster):
        shutil.rmtree(left, ignore_errors=True)
    half.mkdir(mode=0o700)
    home.own(half)
    run = subprocess.run(
        [binaries.directory / "initdb", "-D", half, "--encoding=UTF8", "--no-locale",
         *(locale if binaries.major > 16 else []), "--auth=trust", "-U", "postgres",
         "--no-instructions"],
        cwd="/", env=_environment(), capture_output=True, text=True, errors="replace",
        check=False, **home.identity,
    )  # fmt: skip
    if run.returncode != 0:
        raise PostgresError(f"initdb failed in {half}: {run.stderr.strip()[-800:]}")
    half.rename(home.cluster)


def _start_until_up(binaries: Binaries, home: Home, socket_dir: Path) -> subprocess.Popen[bytes]:
    give_up_at = time.monotonic() + START_LIMIT_S
    while True:
        said_before = home.log.stat().st_size if home.log.exists() else 0
        server = _start(binaries, home, socket_dir)
        if _is_up(server, socket_dir, give_up_at):
            return server
        _stop(server)
        said = _said(home, said_before)
        if time.monotonic() >= give_up_at or not any(text in said for text in _LEFTOVERS):
            raise PostgresError(
                f"PostgreSQL did not start in {home.cluster}; its log ends with:\n{said}"
            )
        time.sleep(0.1)


def _said(home: Home, after: int) -> str:
    with home.log.open("rb") as log:
        log.seek(max(after, home.log.stat().st_size - LOG_TAIL_BYTES))
        return log.read().decode(errors="replace").strip()


def _start(binaries: Binaries, home: Home, socket_dir: Path) -> subprocess.Popen[bytes]:
    libc = ctypes.CDLL(None, use_errno=True)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

    with os.fdopen(home.open_own(home.log.name, os.O_WRONLY | os.O_APPEND), "ab") as log:
        return subprocess.Popen(
            [binaries.directory / "postgres", "-D", home.cluster, "-k", socket_dir,
             "-p", str(PORT), "-c", "listen_addresses=", "-c", "max_connections=120",
             "-c", "shared_buffers=128MB", "-c", "timezone=UTC"],
            cwd="/", env=_environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=die_with_parent, **home.identity,
        )  # fmt: skip


def _is_up(server: subprocess.Popen[bytes], socket_dir: Path, give_up_at: float) -> bool:
    while time.monotonic() < give_up_at and server.poll() is None:
        try:
            psycopg.connect(_dsn(socket_dir, "postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.005)
        else:
            return True
    return False


def _ensure_database(socket_dir: Path) -> str:
    with psycopg.connect(_dsn(socket_dir, "postgres"), autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = 'tongbu'").fetchone()
        if known is None:
            connection.execute("create database tongbu")
    return _dsn(socket_dir, "tongbu")


def _stop(server: subprocess.Popen[bytes]) -> None:
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is not None:
            return
        server.send_signal(how)
        try:
            server.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            continue
        return
