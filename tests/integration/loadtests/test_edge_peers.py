"""What stands in a school is started there and ended; a peer is no more than a command."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.edge_peers import PEERS, Peer, Place, standing
from loadtests.line import MACHINE, ROOT, namespace
from tests.support.children import gone
from tests.support.wait import eventually

SERVER = Peer("a file server", (sys.executable, "-m", "http.server", "--bind", "127.0.0.1",
                                "--directory", "{folder}", "8080"))  # fmt: skip
STAY = """
import sys
from pathlib import Path
from loadtests.edge_peers import Place, standing
from loadtests.line import namespace
from tests.integration.loadtests.test_edge_peers import SERVER
with namespace() as home:
    found = Place(home, "", "127.0.0.1:8080", Path(sys.argv[1]))
    with standing(SERVER, found) as stands:
        print(stands.pid, flush=True)
        sys.stdin.read()
"""
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def place(folder: Path) -> Place:
    return Place(MACHINE, "10.0.0.1:8000", "127.0.0.1:8080", folder)


def test_places_are_filled_in_and_other_braces_stay(tmp_path: Path) -> None:
    text = place(tmp_path).fill_in("upstream o { server {upstream}; } # {listen} {folder} {config}")
    assert text == (
        f"upstream o {{ server 10.0.0.1:8000; }} # 127.0.0.1:8080 {tmp_path} {tmp_path}/config"
    )


def test_no_place_of_a_peer_stays_open(tmp_path: Path) -> None:
    for peer in PEERS.values():
        words = "".join(map(place(tmp_path).fill_in, (*peer.command, peer.config)))
        assert not any(f"{{{name}" in words for name in ("up", "li", "fo", "co", "more"))


def test_nothing_in_between_is_the_origin_itself(tmp_path: Path) -> None:
    with standing(PEERS["direct"], place(tmp_path)) as stands:
        assert (stands.address, stands.pid) == ("10.0.0.1:8000", 0)
    assert not PEERS["direct"].missing
    assert Peer("x", ("no-such-program",)).missing


@as_root
def test_a_peer_listens_in_its_own_network_and_is_gone_at_the_end(tmp_path: Path) -> None:
    with namespace() as home:
        found = Place(home, "", "127.0.0.1:8080", tmp_path)
        with standing(SERVER, found) as stands:
            assert home.listens(8080)
            assert Path(f"/proc/{stands.pid}").exists()
        assert not Path(f"/proc/{stands.pid}").exists()


@as_root
def test_a_peer_that_does_not_start_says_why(tmp_path: Path) -> None:
    broken = Peer("broken", (sys.executable, "-c", "raise SystemExit('no such upstream')"))
    with namespace() as home:
        found = Place(home, "", "127.0.0.1:8080", tmp_path)
        with pytest.raises(SystemExit, match="no such upstream"), standing(broken, found):
            pass


@as_root
def test_a_peer_ends_with_a_bench_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STAY, str(tmp_path)], cwd=ROOT, text=True, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as bench:  # fmt: skip
        assert bench.stdout is not None
        pid = int(bench.stdout.readline())
        bench.kill()
        bench.communicate()
        asyncio.run(eventually(lambda: gone([pid])))
