"""A school's box is updated, and goes back: the real script on directories and plain processes.

A version is a program that answers /healthz, or does not. systemd's part is played by a script of
three lines that ends the program and starts what `current` points to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.compose import DEPLOY, free_ports

SCRIPTS = DEPLOY / "systemd"
LIMIT_S = "40"
SOON = {"TONGBU_HEALTH_LIMIT_S": "6"}  # where something does not come up

GOOD = """#!{python}
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status} if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(b"{version}")
    def log_message(self, *words): pass
http.server.HTTPServer(("127.0.0.1", {port}), Answer).serve_forever()
"""
RESTART = """#!/bin/sh
if [ -s "$HOME/pid" ]; then kill "$(cat "$HOME/pid")" 2>/dev/null || true; fi
"$TONGBU_EDGE_ROOT/current/bin/tongbu" edge >/dev/null 2>&1 9>&- &
echo $! >"$HOME/pid"
"""
INSTALL = """#!/bin/sh
mkdir "$2" && cp -r "$1/wheels" "$2/bin"
"""


@dataclass(slots=True)
class School:
    """A box's machine: its root, what the city offers, and how it is started."""

    home: Path
    port: int

    @property
    def root(self) -> Path:
        """Where versions lie."""
        return self.home / "opt"

    @property
    def offers(self) -> Path:
        """What the city shows."""
        return self.home / "offers"

    def environment(self, **more: str) -> dict[str, str]:
        """Give what the scripts read."""
        own = {
            "HOME": str(self.home),
            "TONGBU_EDGE_ROOT": str(self.root),
            "TONGBU_UPDATE_SOURCE": self.offers.as_uri(),
            "TONGBU_UPDATE_KEY": str(self.home / "update.pub"),
            "TONGBU_SERVER_LISTEN": f"0.0.0.0:{self.port}",
            "TONGBU_HEALTH_LIMIT_S": LIMIT_S,
            "TONGBU_HEALTH_ANSWERS": "1",
            "TONGBU_RESTART": str(self.home / "restart"),
            "TONGBU_INSTALL": str(self.home / "install"),
            "TONGBU_PYTHON": sys.executable,
        }
        return {"PATH": os.environ["PATH"], **own, **more}

    def script(self, name: str, text: str) -> None:
        """Write a program."""
        path = self.home / name
        path.write_text(text)
        path.chmod(0o755)

    def offer(self, version: str, program: str = "", status: int = 200) -> None:
        """Make a version with the bureau's script."""
        text = program or GOOD.format(
            python=sys.executable, status=status, version=version, port=self.port
        )
        self.script("tongbu", text)
        self.script("gather", f'#!/bin/sh\ncp "{self.home}/tongbu" "$1/tongbu"\n')
        subprocess.run(
            [SCRIPTS / "tongbu-edge-bundle", version, self.home / "update.key", self.offers],
            env=self.environment(TONGBU_WHEELS=str(self.home / "gather")),
            check=True, capture_output=True,
        )  # fmt: skip

    def update(self, *words: str, **more: str) -> tuple[int, str]:
        """Run the box's script; give exit code and what it says."""
        done = subprocess.run(
            [SCRIPTS / "tongbu-edge-update", *words],
            env=self.environment(**more), capture_output=True, text=True, timeout=50, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def current(self) -> str:
        """Which version is pointed to."""
        return (self.root / "current").readlink().name

    def kept(self) -> set[str]:
        """Which versions lie on the disk."""
        return {path.name for path in (self.root / "versions").iterdir()}

    def stop(self) -> None:
        """End what runs."""
        if (self.home / "pid").exists():
            try:
                os.kill(int((self.home / "pid").read_text()), signal.SIGKILL)
            except ProcessLookupError:
                return


def openssl(*words: str) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    """A machine with the city's key, on which nothing is installed yet."""
    made = School(tmp_path, free_ports(1)[0])
    key = str(tmp_path / "update.key")
    openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    openssl("pkey", "-in", key, "-pubout", "-out", str(tmp_path / "update.pub"))
    made.script("restart", RESTART)
    made.script("install", INSTALL)
    yield made
    made.stop()


@pytest.fixture
def settled(school: School) -> School:
    """The same with 1.0.0 running."""
    school.offer("1.0.0")
    assert school.update() == (0, "tongbu-edge-update: runs 1.0.0\n")
    return school


def test_a_new_machine_gets_its_first_without_a_start(school: School) -> None:
    school.offer("1.0.0")
    code, said = school.update("--first")
    assert (code, school.current()) == (0, "1.0.0")
    assert "tongbu-enrol" in said
    assert not (school.home / "pid").exists()
    code, said = school.update("--first")
    assert (code, "is installed already" in said) == (1, True)


def test_a_new_version_runs_and_the_old_one_stays_beside_it(settled: School) -> None:
    settled.offer("1.1.0")
    assert settled.update() == (0, "tongbu-edge-update: runs 1.1.0\n")
    assert settled.current() == "1.1.0"
    assert settled.kept() == {"1.0.0", "1.1.0"}
    assert settled.update() == (0, "tongbu-edge-update: 1.1.0 is the newest\n")


def test_only_the_version_before_is_kept(settled: School) -> None:
    for version in ("1.1.0", "1.10.0"):
        settled.offer(version)
        assert settled.update()[0] == 0
    assert settled.kept() == {"1.1.0", "1.10.0"}


@pytest.mark.parametrize("program", ["#!/bin/sh\nexit 1\n", ""], ids=["ends", "answers 500"])
def test_what_does_not_come_up_is_gone_back_from(settled: School, program: str) -> None:
    settled.offer("1.1.0", program, status=500)
    code, said = settled.update(**SOON)
    assert code == 1
    assert "gone back to 1.0.0, which runs" in said
    assert settled.current() == "1.0.0"
    assert not (settled.root / "pending").exists()
    assert settled.update() == (
        0, "tongbu-edge-update: 1.1.0 did not come up here before: nothing to do\n",
    )  # fmt: skip
    settled.offer("1.1.1")
    assert settled.update()[0] == 0, "the next one is tried"


def test_both_down_is_said_with_a_code_of_its_own(settled: School) -> None:
    settled.offer("1.1.0", "#!/bin/sh\nexit 1\n")
    (settled.root / "versions/1.0.0/bin/tongbu").write_text("#!/bin/sh\nexit 1\n")
    code, said = settled.update(**SOON)
    assert code == 2
    assert "does not come up either" in said


def test_a_person_goes_back(settled: School) -> None:
    settled.offer("1.1.0")
    settled.update()
    assert settled.update("--rollback") == (0, "tongbu-edge-update: runs 1.0.0\n")
    assert settled.current() == "1.0.0"


@pytest.mark.parametrize(("status", "ends"), [(200, "1.1.0"), (500, "1.0.0")])
def test_a_power_cut_on_trial_ends_in_a_check(settled: School, status: int, ends: str) -> None:
    settled.offer("1.1.0", status=status)
    # The machine goes off once the new version is pointed to: the restart never returns.
    settled.script("cut", "#!/bin/sh\nkill -9 $PPID\n")
    assert settled.update(TONGBU_RESTART=str(settled.home / "cut"))[0] == -signal.SIGKILL
    assert settled.current() == "1.1.0"
    assert (settled.root / "pending").read_text() == "1.0.0\n"
    subprocess.run([settled.home / "restart"], env=settled.environment(), check=True)
    settled.update(**SOON)
    assert settled.current() == ends
    assert not (settled.root / "pending").exists()


def test_an_offer_of_somebody_else_is_not_taken(settled: School) -> None:
    openssl("genpkey", "-algorithm", "ed25519", "-out", str(settled.home / "update.key"))
    settled.offer("1.1.0")
    code, said = settled.update()
    assert (code, settled.current()) == (1, "1.0.0")
    assert "is not signed" in said


def test_a_bundle_that_was_changed_is_not_taken(settled: School) -> None:
    settled.offer("1.1.0")
    (settled.offers / "tongbu-edge-1.1.0.tar.gz").write_bytes(b"not what was signed")
    code, said = settled.update()
    assert (code, settled.current()) == (1, "1.0.0")
    assert "another digest" in said


def test_a_bundle_that_is_too_large_is_not_taken(settled: School) -> None:
    settled.offer("1.1.0")
    code, said = settled.update(TONGBU_UPDATE_LIMIT_BYTES="100")
    assert (code, settled.current()) == (1, "1.0.0")
    assert "larger than it may be" in said


@pytest.mark.parametrize("version", ["0.9.0", "1.0.0-rc/../../etc", "../2.0"])
def test_an_older_or_wrong_name_is_not_taken(settled: School, version: str) -> None:
    settled.offer("1.1.0")
    latest = settled.offers / "latest"
    latest.write_text(f"{version} {'0' * 64}\n")
    openssl("pkeyutl", "-sign", "-inkey", str(settled.home / "update.key"), "-rawin",
            "-in", str(latest), "-out", f"{latest}.sig")  # fmt: skip
    settled.update()
    assert settled.current() == "1.0.0"
    assert settled.kept() == {"1.0.0"}


def test_one_that_cannot_be_installed_leaves_nothing(settled: School) -> None:
    settled.offer("1.1.0")
    code, said = settled.update(TONGBU_INSTALL="false")
    assert (code, settled.kept()) == (1, {"1.0.0"})
    assert "cannot be installed; 1.0.0 goes on" in said


def test_a_city_that_is_away_changes_nothing(settled: School) -> None:
    code, said = settled.update(TONGBU_UPDATE_SOURCE=(settled.home / "gone").as_uri())
    assert (code, settled.current()) == (1, "1.0.0")
    assert "cannot fetch" in said


PIP = """#!/bin/sh
case $* in
*"pip download"*) printf '%s\\n' "$@" >"$HOME/asked" ;;
*"pip wheel"*) ;;
*) exec {python} "$@" ;;
esac
"""


@pytest.mark.parametrize("machine", ["", "aarch64"])
def test_a_bundle_is_for_the_boxes_python_and_cpu(school: School, machine: str) -> None:
    school.script("python3.11", PIP.format(python=sys.executable))
    (school.home / "catalog/web/dist").mkdir(parents=True)
    (school.home / "catalog/web/dist/index.html").touch()
    (school.home / "requirements.lock").write_text("aiohttp==3.0 \\\n    --hash=sha256:1\n")
    box = {"TONGBU_BOX_MACHINE": machine} if machine else {}
    done = subprocess.run(
        [SCRIPTS / "tongbu-edge-bundle", "1.0.0", school.home / "update.key", school.offers],
        env=school.environment(TONGBU_PYTHON=str(school.home / "python3.11"), **box),
        cwd=school.home, check=True, capture_output=True, text=True,
    )  # fmt: skip
    asked = (school.home / "asked").read_text().splitlines()
    platforms = [asked[n + 1] for n, word in enumerate(asked) if word == "--platform"]
    assert set(platforms) >= {"manylinux_2_28_aarch64", "manylinux2014_aarch64"} if machine else (
        platforms == []
    )  # fmt: skip
    assert {"--require-hashes", ":all:"} <= set(asked)
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    assert f"offers 1.0.0 for {version} on {machine or os.uname().machine}:" in done.stdout


def test_a_machine_whose_python_is_too_old_is_told(school: School) -> None:
    school.offer("1.0.0")
    old = f'#!/bin/sh\ncase $2 in *"(3, 11)"*) exit 1 ;; esac\nexec {sys.executable} "$@"\n'
    school.script("python3", old)
    code, said = school.update("--first", TONGBU_PYTHON=str(school.home / "python3"))
    assert code == 1
    assert "Python 3.11 or newer is needed" in said
    assert not (school.root / "versions").exists()
