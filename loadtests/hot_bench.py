"""CPU a gigabyte served, and playlists a second, of the hot path and of nginx with sendfile.

    python -m loadtests.hot_bench [--seconds 2] [--rounds 2] [--tls]    as root; needs nginx and wrk

Both serve the same bytes on one core, wrk asks on the other (32 connections that are kept); the
rounds go A B A B, and the best of each counts. Without tcp_nopush, which makes nginx wait on
loopback, and in a network of its own with reno, since BBR paces even there. Goals: 1 MB <= 1.3 x,
64 KB <= 1.0 x nginx's CPU; playlists >= 1.2 x nginx's a second. Also: what an idle connection takes
of memory. `--aiohttp` measures the way around the door besides; `--tls` both with the same
certificate (ECDSA, AES-256-GCM), for which there is no goal: uvloop's TLS copies what it encrypts.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from loadtests.live_cpu import cpu_s
from loadtests.own_certificate import own_certificate

ROOT = Path(__file__).parents[1]
OBJECTS = {"1MB": 1.3, "64KB": 1.0, "playlist": 1 / 1.2}
ALONE = "TONGBU_BENCH_ALONE"
CONGESTION = Path("/proc/sys/net/ipv4/tcp_congestion_control")
CONNECTIONS = 32
IDLE_CONNECTIONS = 10_000
START_LIMIT_S = 20.0
_REQUESTS = re.compile(r"(\d+) requests in ([\d.]+)(m?s), ")
NGINX = """
daemon off; master_process off; worker_processes 1; pid {home}/pid; error_log {home}/errors;
events {{ worker_connections 4096; }}
http {{
  access_log off; sendfile on; tcp_nopush off; tcp_nodelay on; keepalive_requests 100000000;
  open_file_cache max=512 inactive=60s; default_type video/mp4;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{ listen 127.0.0.1:{port} backlog=1024{tls}; root {home}/files; {certificate} }}
}}
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server: its process, and where it has each object."""

    name: str
    pid: int
    urls: dict[str, str]


@dataclass(frozen=True, slots=True)
class Measured:
    """One run."""

    requests_per_s: float
    cpu_us: float
    cpu_s_per_gb: float


def main() -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=2)
    options.add_argument("--rounds", type=int, default=2)
    options.add_argument("--aiohttp", action="store_true")
    options.add_argument("--tls", action="store_true")
    asked = options.parse_args()
    if not os.environ.get(ALONE):
        command = ["unshare", "-n", sys.executable, "-m", "loadtests.hot_bench", *sys.argv[1:]]
        raise SystemExit(subprocess.call(command, cwd=ROOT, env={**os.environ, ALONE: "1"}))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    CONGESTION.write_text("reno")
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        signed = own_certificate(home / "certificate.pem") if asked.tls else None
        hot = stack.enter_context(ours("hot", home / "hot", "1", signed))
        bodies = {name: fetch(url) for name, url in hot.urls.items()}
        peers = [hot, stack.enter_context(nginx(home / "nginx", bodies, signed))]
        if asked.aiohttp:
            peers.append(stack.enter_context(ours("aiohttp", home / "aiohttp", "0", signed)))
        for name, body in bodies.items():
            compare(name, len(body), peers, asked.seconds, asked.rounds)
        if not asked.tls:
            idle(hot)


def compare(name: str, size_bytes: int, peers: list[Peer], seconds: int, rounds: int) -> None:
    """Measure one object at each peer in turn."""
    best: dict[str, Measured] = {}
    for _ in range(rounds):
        for peer in peers:
            found = measure(peer, name, size_bytes, seconds)
            if peer.name not in best or found.cpu_us < best[peer.name].cpu_us:
                best[peer.name] = found
    for peer_name, found in best.items():
        ratio = found.cpu_us / best["nginx"].cpu_us
        faster = found.requests_per_s / best["nginx"].requests_per_s
        sys.stdout.write(
            f"{name:9}{size_bytes:9} {peer_name:8}{found.requests_per_s:10.0f}/s"
            f"{found.cpu_us:8.1f} us{found.cpu_s_per_gb:8.3f} s/GB   CPU {ratio:.2f} x nginx,"
            f" a second {faster:.2f} x\n"
        )
    sys.stdout.flush()


def measure(peer: Peer, name: str, size_bytes: int, seconds: int) -> Measured:
    """Ask for one object as fast as it comes."""
    before = cpu_s(peer.pid)
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    done = subprocess.run([*command, peer.urls[name]], capture_output=True, text=True, check=True)
    used = cpu_s(peer.pid) - before
    found = _REQUESTS.search(done.stdout)
    if found is None or "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise SystemExit(f"{peer.name} did not answer well:\n{done.stdout}")
    count, took_s = int(found[1]), float(found[2]) / (1000 if found[3] == "ms" else 1)
    return Measured(count / took_s, used / count * 1e6, used / (count * size_bytes) * 1e9)


def idle(peer: Peer) -> None:
    """Open connections that ask once and then nothing, and tell what they take."""
    where = urlsplit(peer.urls["playlist"])
    request = f"GET {where.path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    before, opened = _resident_bytes(peer.pid), []
    try:
        for _ in range(IDLE_CONNECTIONS):
            opened.append(socket.create_connection((where.hostname, where.port or 80)))
            opened[-1].sendall(request)
            opened[-1].recv(65536)
        each = (_resident_bytes(peer.pid) - before) / IDLE_CONNECTIONS
        used = cpu_s(peer.pid)
        time.sleep(5)
        used = (cpu_s(peer.pid) - used) / 5
    finally:
        for connection in opened:
            connection.close()
    sys.stdout.write(
        f"{IDLE_CONNECTIONS} idle connections: {each / 1024:.1f} KB each, {used:.1%} of a core\n"
    )


@contextmanager
def ours(name: str, home: Path, hot: str, signed: Path | None) -> Iterator[Peer]:
    """Run the service's /media on core 0."""
    environment = {**os.environ, "HOT": hot, "CERTIFICATE": str(signed or "")}
    command = ["taskset", "-c", "0", sys.executable, "-m", "tests.support.hot_origin", str(home)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            urls = json.loads(process.stdout.readline())
            for url in [*urls.values()] * 2:
                fetch(url)
            yield Peer(name, process.pid, urls)
        finally:
            process.send_signal(signal.SIGTERM)


@contextmanager
def nginx(home: Path, bodies: dict[str, bytes], signed: Path | None) -> Iterator[Peer]:
    """Run nginx on core 0, with the same bytes in files."""
    (home / "files").mkdir(parents=True)
    for name, body in bodies.items():
        (home / "files" / name).write_bytes(body)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shown = f"ssl_certificate {signed}; ssl_certificate_key {signed};" if signed else ""
    tls = " ssl" if signed else ""
    (home / "conf").write_text(NGINX.format(home=home, port=port, tls=tls, certificate=shown))
    command = ["taskset", "-c", "0", "nginx", "-p", str(home), "-c", str(home / "conf")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            scheme = "https" if signed else "http"
            urls = {name: f"{scheme}://127.0.0.1:{port}/{name}" for name in bodies}
            _until_open(port)
            for url in urls.values():
                fetch(url)
            yield Peer("nginx", process.pid, urls)
        finally:
            process.terminate()


def fetch(url: str) -> bytes:
    """Get a whole body."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    with urllib.request.urlopen(url, context=trusting) as answer:
        return bytes(answer.read())


def _until_open(port: int) -> None:
    give_up_at = time.monotonic() + START_LIMIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > give_up_at:
                raise SystemExit("nginx does not listen: is it installed?") from None
            time.sleep(0.05)
        else:
            return


def _resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
