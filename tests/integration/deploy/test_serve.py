"""`tongbu serve` as a process: it starts, answers, stops, and takes its children along."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.service import end, running, start, wait_for_address
from tests.support.accounts import ordinary_environment, ordinary_python


def get(url: str) -> dict[str, object]:
    with urllib.request.urlopen(url, timeout=10) as answer:
        found = json.load(answer)
    assert isinstance(found, dict)
    return found


def descendants(pid: int) -> set[int]:
    """Every process below pid, found by walking /proc."""
    children: dict[int, set[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            children.setdefault(parent, set()).add(int(entry.name))
    found: set[int] = set()
    open_ = [pid]
    while open_:
        below = children.get(open_.pop(), set()) - found
        found |= below
        open_ += below
    return found


def eventually(holds: Callable[[], bool], limit_s: float = 20.0) -> bool:
    """Poll until it holds; False when it never did within the limit."""
    give_up_at = time.monotonic() + limit_s
    while not holds():
        if time.monotonic() > give_up_at:
            return False
        time.sleep(0.02)
    return True


def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}/exe").exists() for pid in pids)


def test_it_starts_is_ready_and_stops_with_its_children() -> None:
    with running() as service:
        assert get(f"{service.url}/healthz") == {"status": "ok"}
        assert get(f"{service.url}/readyz")["status"] == "ok"
        below = descendants(service.process.pid)
        assert len(below) >= 2, "PostgreSQL and a worker run below it"
        assert end(service.process) == 0
        assert eventually(lambda: gone(below))


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that the database's account can reach."""
    with tempfile.TemporaryDirectory(prefix="tongbu-serve-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)
        yield Path(made)


def test_kill_9_leaves_no_child_and_the_next_start_works(home: Path) -> None:
    process, log = start(home / "data")
    wait_for_address(process, log)
    below = descendants(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    end(process)
    assert eventually(lambda: gone(below))
    process, log = start(home / "data")
    try:
        assert get(f"{wait_for_address(process, log)}/readyz")["status"] == "ok"
    finally:
        assert end(process) == 0


def test_a_taken_port_is_one_clear_sentence() -> None:
    with running() as service:
        address = service.url.removeprefix("http://")
        other, log = start(service.data.parent / "other", "--listen", address)
        assert other.wait(60) == 2
        end(other)
        assert f"cannot listen on {address}" in log.read_text()


def test_an_ordinary_account_with_an_empty_home_needs_nothing_else(home: Path) -> None:
    own, log = home / "own", home / "log"
    own.mkdir()
    own.chmod(0o777)
    environment = {**ordinary_environment(), "HOME": str(own), "TONGBU_LIVE_RTMP": "127.0.0.1:0"}
    command = [*ordinary_python(), "-m", "deploy", "serve", "--listen", "127.0.0.1:0"]
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            command, cwd=own, env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=stderr,
        )  # fmt: skip
    below: set[int] = set()
    try:
        url = wait_for_address(process, log)
        below = descendants(process.pid)
        assert get(f"{url}/readyz")["status"] == "ok"
        assert 0 not in {Path(f"/proc/{pid}").stat().st_uid for pid in (process.pid, *below)}
    finally:
        code = end(process)
    assert code == 0, log.read_text(errors="replace")[-4000:]
    assert eventually(lambda: gone(below))
    assert (own / ".local" / "share" / "tongbu" / "postgres" / "cluster").is_dir()
