"""The services of deploy/compose.yaml as plain processes: a lesson by HTTPS, seen through a box.

Words, environment, health checks, Caddyfile and secrets are those of deploy/. In the place of the
images stand this machine's programs; PostgreSQL is the embedded one, because its image's words are
those of its own start script.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import yaml  # type: ignore[import-untyped]

from catalog.db.embedded import embedded_postgres
from loadtests.client import Client, signed_in
from loadtests.lectures import Lecture, make
from loadtests.school import new_school
from loadtests.service import ROOT, end
from tests.support.compose import DEPLOY, Plain, read_compose
from tests.support.door import door_of
from tests.support.playback import frames_of
from tests.support.prometheus import prometheus_path as prometheus_path
from tests.support.tools import find_tool
from tests.support.wait import eventually

SITE = "localhost"
PROMETHEUS = DEPLOY / "prometheus"
DURATION_S = 6
HEALTHY_LIMIT_S = 60.0
# The image's account, without any of root's rights.
ACCOUNT = (
    "setpriv", "--reuid=10001", "--regid=10001", "--clear-groups", "--bounding-set=-all",
    "--no-new-privs",
)  # fmt: skip
TRIED = "if touch /written 2>/dev/null; then exit 97; fi"
# Ports that SeaweedFS takes without being told in the file.
WEED_PORTS = ("master", "volume", "filer")


@dataclass(slots=True)
class Topology:
    """What runs."""

    plain: Plain
    logs: Path
    stack: ExitStack
    password: str

    def start(self, name: str, program: Sequence[str], more: Sequence[str] = ()) -> None:
        """Start a service with the file's words, and wait for its own health check."""
        words = [*program, *self.plain.command(name), *more]
        log = self.logs / f"{name}.log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                words, cwd=self.plain.home, env=self.environment(name), text=True,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            )  # fmt: skip
        self.stack.callback(_end, name, process)
        self._until_healthy(name, process, log)

    def environment(self, name: str) -> dict[str, str]:
        """Give the file's environment on top of this machine's, without its Tongbu."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TONGBU_")}
        own = {
            "PYTHONPATH": str(ROOT), "TONGBU_PYTHON": sys.executable,
            "TMPDIR": str(self.plain.directory(f"{name}-tmp")),
        }  # fmt: skip
        return {**kept, **own, **self.plain.environment(name)}

    def _until_healthy(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        give_up_at = time.monotonic() + HEALTHY_LIMIT_S
        while not self.healthy(name):
            down = process.poll() is not None or time.monotonic() > give_up_at
            assert not down, f"{name} is not healthy:\n{log.read_text(errors='replace')[-3000:]}"
            time.sleep(0.1)

    def healthy(self, name: str) -> bool:
        """Run the health check of the file."""
        program, *words = self.plain.check(name)
        inside = DEPLOY / "container" / program
        run = [str(inside) if inside.exists() else program, *words]
        return subprocess.run(
            run, env=self.environment(name), capture_output=True, check=False
        ).returncode == 0  # fmt: skip

    def ask(self, *words: str) -> str:
        """Run a program of deploy/container for the edge; give what it says."""
        wrapped = [*read_only_if_root(self.plain, "edge", ACCOUNT), sys.executable, "-m", "deploy"]
        program = self.plain.home / "tongbu"
        program.write_text(f'#!/bin/sh\nexec {shlex.join(wrapped)} "$@"\n')
        program.chmod(0o755)
        environment = {**self.environment("edge"), "TONGBU_PROGRAM": str(program)}
        done = subprocess.run(
            [DEPLOY / "container" / words[0], *words[1:]],
            env=environment, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout


def _end(name: str, process: subprocess.Popen[str]) -> None:
    if name == "seaweedfs":
        process.kill()  # it waits for its clients, for most of a minute
    end(process)


def read_only_if_root(plain: Plain, name: str, account: Sequence[str] = ()) -> list[str]:
    """Give the words that put a program where only its volumes and its /tmp can be written.

    That is what `read_only` does in the file. It takes root, as CI has it; run by an ordinary
    account nothing is put around, and what a role writes elsewhere is not found out.
    """
    if os.geteuid() != 0:
        return []
    places = [plain.directory(f"{name}-data"), plain.directory(f"{name}-tmp")]
    for place in places:
        place.chmod(0o777)
    binds = "; ".join(f"mount --bind {place} {place}" for place in places)
    steps = f"set -e; {binds}; mount -o remount,bind,ro /"
    return ["unshare", "--mount", "sh", "-c", f'{steps}; {TRIED}; exec "$@"', "sh", *account]


@contextmanager
def database(home: Path, secrets: Path) -> Iterator[None]:
    """Run PostgreSQL, and let the secret's address lead there."""
    file = secrets / "tongbu.toml"
    with embedded_postgres(home) as dsn:
        text = file.read_text()
        file.chmod(0o600)
        file.write_text(re.sub(r'(?m)^url = ".*"$', f'url = "{dsn}"', text))
        yield


@pytest.fixture(scope="module")
def running() -> Iterator[Topology]:
    """Start all of it but the edge, in the file's order."""
    with tempfile.TemporaryDirectory(prefix="tongbu-deploy-") as folder, ExitStack() as stack:
        home = Path(folder)
        home.chmod(0o711)
        secrets = home / "secrets"
        subprocess.run([DEPLOY / "make-secrets", secrets], check=True, capture_output=True)
        find_tool("caddy")  # before the rest is started
        plain = Plain(read_compose({"TONGBU_SITE": SITE}), home, secrets)
        stack.enter_context(database(plain.directory("postgres"), secrets))
        made = tomllib.loads((secrets / "tongbu.toml").read_text())["admin"]["password"]
        topology = Topology(plain, home, stack, made)
        ports = [f"-{part}.port{end}={plain.port(f'weed-{part}', at)}"
                 for part in (*WEED_PORTS, "s3") for end, at in (("", 1), (".grpc", 2))
                 if (part, end) != ("s3", "")]  # fmt: skip
        topology.start("seaweedfs", [str(Path(sys.executable).parent / "weed")], ports)
        ours = [sys.executable, "-m", "deploy"]
        config = ["--config", str(secrets / "tongbu.toml")]
        for name in ("origin", "worker"):
            topology.start(name, [*read_only_if_root(plain, name), *ours], config)
        plain.instead |= {"./boxes": plain.directory("boxes"), "./tls": plain.directory("tls")}
        topology.start("caddy", door_of(plain))
        yield topology


def trusted(topology: Topology) -> ssl.SSLContext:
    """Trust Caddy's own authority, as a bureau's machines are told to."""
    data = topology.plain.directory("caddy-data")
    return ssl.create_default_context(cafile=data / "caddy/pki/authorities/local/root.crt")


def door(topology: Topology) -> str:
    """Give the address that browsers use."""
    return f"https://{SITE}:{topology.plain.port('caddy', 8443)}"


def box_address(topology: Topology) -> str:
    """Give the address in the school."""
    return f"http://127.0.0.1:{topology.plain.port('edge', 8080)}"


@asynccontextmanager
async def admin_at_the_door(topology: Topology) -> AsyncIterator[Client]:
    """Sign in by HTTPS."""
    context = await asyncio.to_thread(trusted, topology)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as http:
        body = {"username": "admin", "password": topology.password}
        async with http.post(f"{door(topology)}/api/v1/login", json=body) as answer:
            assert answer.status == 200, await answer.text()
            token = (await answer.json())["token"]
        http.headers["Authorization"] = f"Bearer {token}"
        yield Client(http, door(topology))


async def a_lesson(topology: Topology, path: Path) -> tuple[str, str]:
    """Upload a lesson through the door, and make a box; give the lesson and the box's code."""
    async with admin_at_the_door(topology) as admin:
        made = await new_school(admin)
        lesson = await admin.upload(path, {"title": "勾股定理的证明", "subject": "math"})
        assert (await admin.until(lesson, "ready", limit_s=90))["error"] is None
        code = str((await admin.post("edges", {"name": "laixi", "school": made}))["code"])
    return lesson, code


async def address_of(topology: Topology, lesson: str) -> str:
    """Ask the box for the lesson's address."""
    box = box_address(topology)
    async with signed_in(box, "admin", topology.password) as client:
        return box + str((await client.get(f"lessons/{lesson}"))["urls"]["hls"])


@pytest.mark.timeout(150)
def test_a_lesson_by_https_plays_through_the_box(running: Topology, tmp_path: Path) -> None:
    path = make(Lecture("slides", DURATION_S, 320, 180, 25, 3.0), tmp_path / "勾股定理.mp4")
    lesson, code = asyncio.run(a_lesson(running, path))
    assert "laixi" in running.ask("tongbu-enrol", code)
    ours = [sys.executable, "-m", "deploy"]
    running.start("edge", [*read_only_if_root(running.plain, "edge", ACCOUNT), *ours])
    url = asyncio.run(address_of(running, lesson))
    assert frames_of(url) > DURATION_S * 10
    objects = running.plain.directory("seaweedfs-data")
    assert sum(path.stat().st_size for path in objects.rglob("*.dat")) > 10_000


def test_the_door_speaks_http_2_and_keeps_figures_inside(running: Topology) -> None:
    context = trusted(running)
    context.set_alpn_protocols(["h2", "http/1.1"])
    where = ("127.0.0.1", running.plain.port("caddy", 8443))
    with (
        socket.create_connection(where, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=SITE) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"
    assert [asyncio.run(status(running, at)) for at in ("/healthz", "/metrics", "/readyz")] == [
        200, 404, 404,
    ]  # fmt: skip


async def status(topology: Topology, path: str) -> int:
    """Ask the door."""
    connector = aiohttp.TCPConnector(ssl=await asyncio.to_thread(trusted, topology))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.get(door(topology) + path) as answer,
    ):
        await answer.read()  # who leaves before the end of it leaves a TLS connection half closed
        assert "Strict-Transport-Security" in answer.headers
        return answer.status


async def redirected(topology: Topology) -> str:
    """Ask for a page by http."""
    url = f"http://{SITE}:{topology.plain.port('caddy', 8080)}/library"
    async with aiohttp.ClientSession() as http, http.get(url, allow_redirects=False) as answer:
        assert answer.status == 308
        return answer.headers["Location"]


def test_http_is_sent_to_https(running: Topology) -> None:
    assert asyncio.run(redirected(running)).startswith(f"https://{SITE}")


def test_a_school_fetches_offers_at_the_door(running: Topology) -> None:
    folder = running.plain.instead["./boxes"]
    (folder / "latest").write_text("0.2.0 abc\n")
    assert asyncio.run(status(running, "/boxes/latest")) == 200
    assert asyncio.run(status(running, "/boxes/latest.sig")) == 404, "no page of ours"
    assert asyncio.run(status(running, "/boxes/")) == 404, "what is offered is not listed"
    example = (DEPLOY / "systemd/edge.env.example").read_text()
    assert re.search(r"(?m)^TONGBU_UPDATE_SOURCE=https://[^/]+/boxes$", example)


def test_every_started_service_is_healthy_by_its_own_check(running: Topology) -> None:
    assert all(running.healthy(name) for name in ("seaweedfs", "origin", "worker", "caddy"))


def prometheus_home(topology: Topology) -> Path:
    """Copy deploy/prometheus; what is found there by name has an address of this machine here."""
    found = topology.plain.home / "prometheus-config"
    shutil.copytree(PROMETHEUS, found)
    file = found / "prometheus.yml"
    content = yaml.safe_load(file.read_text("utf-8"))
    for job in content["scrape_configs"]:
        named = job.pop("dns_sd_configs", [])
        targets = [f"{name}:{one['port']}" for one in named for name in one["names"]]
        job.setdefault("static_configs", []).append({"targets": targets})
        for group in job["static_configs"]:
            group["targets"] = [topology.plain.words("prometheus", t) for t in group["targets"]]
    file.write_text(yaml.safe_dump(content))
    return found


async def configuration(topology: Topology) -> str:
    """Give what Prometheus has read, with its variables filled in."""
    url = f"http://127.0.0.1:{topology.plain.port('prometheus', 9090)}/api/v1/status/config"
    async with aiohttp.ClientSession() as http, http.get(url) as got:
        return str((await got.json())["data"]["yaml"])


async def jobs_that_are_up(topology: Topology) -> set[str]:
    """Ask Prometheus whom it reaches."""
    url = f"http://127.0.0.1:{topology.plain.port('prometheus', 9090)}/api/v1/query"
    async with aiohttp.ClientSession() as http, http.get(url, params={"query": "up == 1"}) as got:
        return {one["metric"]["job"] for one in (await got.json())["data"]["result"]}


async def test_prometheus_reaches_origin_and_worker_and_knows_the_site(
    running: Topology, prometheus_path: str
) -> None:
    running.plain.instead["./prometheus"] = await asyncio.to_thread(prometheus_home, running)
    await asyncio.to_thread(running.start, "prometheus", [prometheus_path])

    async def both() -> bool:
        return {"tongbu-origin", "tongbu-worker"} <= await jobs_that_are_up(running)

    await eventually(both)
    assert f"site: {SITE}\n" in await configuration(running)
