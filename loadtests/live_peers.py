"""Other live servers to compare with: node-media-server from npm, nginx-rtmp where it is installed.

node-media-server 4.4.3 is installed into a temporary directory and gives HTTP-FLV; nginx with
Debian's libnginx-mod-rtmp gives HLS files. Both listen on 127.0.0.1 and end with the bench.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NODE_MEDIA_SERVER = "node-media-server@4.4.3"
NGINX_RTMP = Path("/usr/lib/nginx/modules/ngx_rtmp_module.so")
INSTALL_LIMIT_S = 180.0
START_LIMIT_S = 20.0
END_LIMIT_S = 5.0
KEY = "live/class"

NODE_START = """
const Server = require("node-media-server");
new Server({{bind: "127.0.0.1", rtmp: {{port: {rtmp}}}, http: {{port: {http}}},
  auth: {{play: false, publish: false}}, webadmin: {{enable: false}},
  store: {{path: {data!r}}}}}).run();
"""
NGINX_CONF = """
load_module {module}; daemon off; master_process off; worker_processes 1; pid {home}/pid;
error_log {home}/error.log; events {{ worker_connections 8192; }}
rtmp {{ server {{ listen 127.0.0.1:{rtmp}; application live {{ live on; hls on;
  hls_path {home}/hls; hls_fragment 2s; hls_playlist_length 12s; }} }} }}
http {{ access_log off; sendfile on; server {{ listen 127.0.0.1:{http}; location / {{
  root {home}/hls; }} }} }}
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that runs: where to publish, what to view, and its process."""

    name: str
    rtmp: str
    view: str
    pid: int


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def node_media_server() -> Iterator[Peer | None]:
    """Install and run node-media-server; None where node or npm is missing or npm fails."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tongbu-peer-", ignore_cleanup_errors=True) as home:
        if not _installed(npm, Path(home)):
            yield None
            return
        rtmp, http = free_port(), free_port()
        start = Path(home) / "start.cjs"
        start.write_text(NODE_START.format(rtmp=rtmp, http=http, data=f"{home}/data"), "utf-8")
        with _running([node, str(start)], Path(home), (rtmp, http)) as pid:
            view = f"http://127.0.0.1:{http}/{KEY}.flv"
            yield Peer("node-media-server", f"rtmp://127.0.0.1:{rtmp}/{KEY}", view, pid)


def _installed(npm: str, home: Path) -> bool:
    asked = [npm, "install", "--no-audit", "--no-fund", "--silent", "--ignore-scripts",
             "--prefix", str(home), NODE_MEDIA_SERVER]  # fmt: skip
    try:
        done = subprocess.run(asked, cwd=home, timeout=INSTALL_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


@contextmanager
def nginx_rtmp() -> Iterator[Peer | None]:
    """Run nginx with its RTMP module; None where either is not installed."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if nginx is None or not NGINX_RTMP.is_file():
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="tongbu-peer-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)
        (Path(home) / "hls").mkdir(mode=0o777)
        rtmp, http = free_port(), free_port()
        conf = Path(home) / "nginx.conf"
        text = NGINX_CONF.format(module=NGINX_RTMP, home=home, rtmp=rtmp, http=http)
        conf.write_text(text, "utf-8")
        with _running([nginx, "-c", str(conf), "-p", home], Path(home), (rtmp, http)) as pid:
            view = f"http://127.0.0.1:{http}/{KEY.split('/')[1]}.m3u8"
            yield Peer("nginx-rtmp", f"rtmp://127.0.0.1:{rtmp}/{KEY}", view, pid)


@contextmanager
def _running(command: list[str], home: Path, ports: tuple[int, ...]) -> Iterator[int]:
    """Run a server until it is done with; wait until it listens."""
    with (home / "out.log").open("wb") as out:
        process = subprocess.Popen(command, cwd=home, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=out)  # fmt: skip
    try:
        give_up_at = time.monotonic() + START_LIMIT_S
        while not all(_listens(port) for port in ports):
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise SystemExit(f"{command[0]} did not start: {(home / 'out.log').read_text()}")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
