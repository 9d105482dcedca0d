"""What may stand in a school between the line and the pupils: nothing, nginx, Varnish, our box.

A `Peer` is a command with places in it: `{upstream}` (host:port of the origin, also as
`{upstream_host}` and `{upstream_port}`), `{listen}` (host:port for the pupils), `{folder}` (an
empty directory of its own), `{code}` (what a box enrols with), `{config}` (a file with the peer's
text, in which the same places are filled in). It is ready when it listens, and ends by SIGTERM. To
compare with one more, add one to `PEERS`.

Our origin says of live playlists `private, no-cache` and of live media `private`. An operator who
wants the school's cache to work overrules that: nginx and Varnish keep playlists for 1 s and all
else for an hour, whatever the origin says. All else is as they come, but for what is tuned.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.line import END_LIMIT_S, ROOT, Home

START_LIMIT_S = 60.0
POLL_S = 0.05
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"

NGINX = r"""
daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events { worker_connections 4096; }
http {
  access_log off; sendfile on; tcp_nopush off; keepalive_requests 1000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/temp;
  proxy_cache_path {folder}/cache keys_zone=school:10m max_size=1g use_temp_path=off;
  upstream origin { server {upstream}; keepalive 64; }
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_cache school; proxy_cache_lock on;
  proxy_ignore_headers Cache-Control Expires Set-Cookie;
  {more}
  server {
    listen {listen} backlog=512;
    location / { proxy_pass http://origin; proxy_cache_valid 200 1h; }
    location ~ \.m3u8$ { proxy_pass http://origin; proxy_cache_valid 200 1s; }
  }
}
"""
VARNISH = r"""
vcl 4.1;
backend default { .host = "{upstream_host}"; .port = "{upstream_port}"; }
sub vcl_backend_response {
  if (beresp.status == 200) {
    set beresp.ttl = 1h;
    if (bereq.url ~ "\.m3u8($|\?)") { set beresp.ttl = 1s; }
    unset beresp.http.Set-Cookie;
    return (deliver);
  }
}
"""
TUNED = """proxy_cache_lock_timeout 60s; proxy_cache_lock_age 60s; proxy_ignore_client_abort on;
      proxy_cache_use_stale updating; proxy_cache_background_update on;"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a peer is to stand."""

    home: Home
    upstream: str
    listen: str
    folder: Path
    code: str = ""

    def fill_in(self, text: str) -> str:
        """Put this place into a peer's text."""
        host, _, port = self.upstream.rpartition(":")
        found = {"upstream": self.upstream, "upstream_host": host, "upstream_port": port,
                 "listen": self.listen, "folder": str(self.folder), "code": self.code,
                 "config": str(self.folder / "config")}  # fmt: skip
        for name, value in found.items():
            text = text.replace(f"{{{name}}}", value)
        return text


@dataclass(frozen=True, slots=True)
class Peer:
    """Something to compare; without a command pupils go straight to the origin."""

    name: str
    command: tuple[str, ...] = ()
    config: str = ""

    @property
    def missing(self) -> bool:
        """Tell whether its program is not installed."""
        return bool(self.command) and shutil.which(self.command[0], path=PATH) is None


NGINX_COMMAND = ("nginx", "-e", "{folder}/error.log", "-p", "{folder}", "-c", "{config}")
PEERS = {
    peer.name: peer
    for peer in (
        Peer("direct"),
        Peer("nginx_stock", NGINX_COMMAND, NGINX.replace("{more}", "")),
        Peer("nginx_tuned", NGINX_COMMAND, NGINX.replace("{more}", TUNED)),
        Peer("varnish", ("varnishd", "-F", "-j", "none", "-n", "{folder}/varnish", "-a", "{listen}",
                         "-f", "{config}", "-s", "malloc,256m"), VARNISH),
        Peer("tongbu", (sys.executable, "-m", "deploy", "edge", "--origin", "http://{upstream}",
                        "--enrol", "{code}", "--data", "{folder}/data", "--listen", "{listen}",
                        "--edge-cache-gib", "200")),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Standing:
    """A peer in its place: the pupils' address, and its process (0 for none)."""

    address: str
    pid: int


@contextmanager
def standing(peer: Peer, place: Place) -> Iterator[Standing]:
    """Start a peer, wait until it listens, end it. Raises: SystemExit when it does not start."""
    if not peer.command:
        yield Standing(place.upstream, 0)
        return
    (place.folder / "config").write_text(place.fill_in(peer.config), "utf-8")
    program = shutil.which(peer.command[0], path=PATH) or peer.command[0]
    words = [program, *map(place.fill_in, peer.command[1:])]
    with (place.folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *place.home.inside(*words)], cwd=ROOT, env=_clean(),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        _until_it_listens(peer, place, process)
        yield Standing(place.listen, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _clean() -> dict[str, str]:
    """Give an environment in which nothing of this machine's Tongbu is seen."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TONGBU_")}


def _until_it_listens(peer: Peer, place: Place, process: subprocess.Popen[bytes]) -> None:
    port = int(place.listen.rpartition(":")[2])
    give_up_at = time.monotonic() + START_LIMIT_S
    while not place.home.listens(port):
        if process.poll() is not None or time.monotonic() > give_up_at:
            said = (place.folder / "log").read_text(errors="replace")[-2000:]
            raise SystemExit(f"{peer.name} did not start:\n{said}")
        time.sleep(POLL_S)
