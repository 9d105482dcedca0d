"""Where the embedded cluster lives and whom it belongs to.

PostgreSQL refuses to run as root. As root the cluster belongs to another account, in a place that
this account can reach: below the data directory when everyone may enter that, else below
/var/lib/tongbu-postgres. Programs that the account cannot read are copied beside the cluster. No
directory that we did not make ever changes its mode or owner. The account owns only the cluster and
the socket: what root writes lies in a directory of root's, so the account cannot lead it astray.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from catalog.db.binaries import Binaries, PostgresError

ACCOUNTS = ("tongbu", "postgres", "nobody")
APART = Path("/var/lib/tongbu-postgres")
SOCKET_PATH_LIMIT_BYTES = 100
SHORT_PLACE = Path("/tmp")  # noqa: S108 (the directory itself is made by mkdtemp)
SHORT_PREFIX = "tongbu-pg-"
_SOCKET_NAME_BYTES = 20
_COMMA_LIST = re.compile(r'[,"\\]')


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as when we are root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Home:
    """Directory of the cluster, its log, lock and socket; `account` is None unless we are root."""

    path: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.path / "cluster"

    @property
    def log(self) -> Path:
        """Where the server writes what it says."""
        return self.path / "postgres.log"

    @property
    def made_by(self) -> int | None:
        """Major version that made the cluster; None when there is none yet."""
        try:
            return int((self.cluster / "PG_VERSION").read_text().strip())
        except FileNotFoundError:
            return None

    def own(self, path: Path) -> None:
        """Give a path that we made to the account."""
        if self.account:
            os.chown(path, self.account.uid, self.account.gid, follow_symlinks=False)

    def open_own(self, name: str, flags: int) -> int:
        """Open a file of ours in the home, never through a link; mode 0600 when it is new."""
        flags |= os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self.path / name, flags, 0o600)

    @property
    def identity(self) -> dict[str, Any]:
        """Arguments of subprocess that make a child run as the account."""
        if self.account is None:
            return {}
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []}


def home_of(data_dir: Path, apart: Path = APART) -> Home:
    """Give the home of the data directory's cluster; nothing is made.

    Raises: PostgresError when no account is there, or the cluster cannot be reached any more.
    """
    beside = data_dir.absolute() / "postgres"
    if os.geteuid() != 0:
        return Home(beside, None)
    digest = hashlib.sha256(os.fsencode(data_dir.resolve())).hexdigest()[:16]
    elsewhere = apart / f"{re.sub('[^A-Za-z0-9]+', '-', data_dir.name)}-{digest}"
    inside = others_may_enter(data_dir.absolute())
    if _has_cluster(beside) and not inside:
        raise PostgresError(
            f"{beside} holds the database, but only root may enter a directory above it: "
            f"let others pass (chmod o+x on each), or move {beside} to {elsewhere}"
        )
    path = beside if inside and not _has_cluster(elsewhere) else elsewhere
    return Home(path, _account(path / "cluster"))


def _has_cluster(path: Path) -> bool:
    return (path / "cluster" / "PG_VERSION").exists()


def others_may_enter(directory: Path) -> bool:
    """Tell whether every account can reach the directory, or would if it were made now."""
    there = directory
    while not there.exists():
        there = there.parent
    resolved = there.resolve()
    return all(p.stat().st_mode & 0o001 for p in (resolved, *resolved.parents))


def _account(cluster: Path) -> Account:
    """Give the owner of the cluster, or of a new one the first account that exists."""
    if cluster.exists():
        owner = cluster.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
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


@contextmanager
def locked(home: Home, data_dir: Path) -> Iterator[None]:
    """Make the home and hold its lock: one Tongbu a data directory.

    Raises: PostgresError when another process holds it, or the home is another account's.
    """
    try:
        _make(home)
        file = home.open_own("lock", os.O_RDWR)
    except OSError as error:
        raise PostgresError(
            f"cannot use {home.path}: {error.strerror}. Start Tongbu as the account that it "
            "belongs to, or choose another directory with --data"
        ) from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PostgresError(
                f"another Tongbu runs on {data_dir}: stop it, or choose another directory "
                "with --data"
            ) from None
        yield
    finally:
        os.close(file)


def _make(home: Home) -> None:
    fresh = [p for p in (home.path.parent, *home.path.parent.parents) if not p.exists()]
    home.path.mkdir(parents=True, exist_ok=True)
    if home.path.stat().st_uid == os.geteuid():
        home.path.chmod(0o711 if home.account else 0o700)
    if home.account:
        # What we have just made must let the account pass, whatever our umask is.
        for directory in fresh:
            directory.chmod(0o711)


def reachable(binaries: Binaries, home: Home) -> Binaries:
    """Copy the programs beside the cluster when the account cannot read them where they lie."""
    trees = _trees(binaries)
    if home.account is None or all(map(_others_may_read, trees)):
        return binaries
    above, copy = trees[0].parents[1], home.path / f"install-{binaries.version}"
    if not copy.exists():
        for old in home.path.glob("install-*"):
            shutil.rmtree(old)
        half = Path(tempfile.mkdtemp(dir=home.path))
        for tree in trees:
            shutil.copytree(tree, half / "it" / tree.relative_to(above), symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", half / "it"], check=True)
        (half / "it").rename(copy)
        half.rmdir()
    return replace(binaries, directory=copy / binaries.directory.relative_to(above))


def _trees(binaries: Binaries) -> list[Path]:
    """Give the installation, and the libraries that its wheel keeps beside it by a fixed path."""
    install = binaries.directory.parent
    libraries = install.parents[1] / f"{install.parent.name}.libs"
    return [install, libraries] if libraries.is_dir() else [install]


def _others_may_read(tree: Path) -> bool:
    if not others_may_enter(tree):
        return False
    for directory, folders, files in os.walk(tree):
        for name in folders + files:
            if not os.lstat(os.path.join(directory, name)).st_mode & 0o004:
                return False
    return True


@contextmanager
def socket_directory(home: Home) -> Iterator[Path]:
    """Give a 0700 directory whose path fits a Unix socket's address and PostgreSQL's lists."""
    wanted = home.path / "socket"
    short = len(os.fsencode(wanted)) + _SOCKET_NAME_BYTES < SOCKET_PATH_LIMIT_BYTES
    if short and not _COMMA_LIST.search(str(wanted)):
        wanted.mkdir(mode=0o700, exist_ok=True)
        home.own(wanted)
        yield wanted
        return
    with (
        os.fdopen(home.open_own("socket-apart", os.O_RDWR), "r+", encoding="utf-8") as note,
        tempfile.TemporaryDirectory(
            prefix=SHORT_PREFIX, dir=SHORT_PLACE, ignore_cleanup_errors=True
        ) as made,
    ):
        # One that was killed could not take its directory along; the next one does.
        left = SHORT_PLACE / note.read().strip()
        if left.parent == SHORT_PLACE and left.name.startswith(SHORT_PREFIX):
            shutil.rmtree(left, ignore_errors=True)
        note.seek(0)
        note.truncate()
        note.write(Path(made).name)
        note.flush()
        home.own(Path(made))
        yield Path(made)
