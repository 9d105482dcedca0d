"""What `tongbu doctor` reads of a real machine, healthy and broken."""

from __future__ import annotations

import argparse
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from catalog.db.migrate import catalog_migrations
from deploy import readings
from deploy.config import load
from deploy.doctor import ENCODERS, FILTERS, Database, Port
from deploy.settings import Settings


def settings(data: Path, **environment: str) -> Settings:
    own = {"TONGBU_SERVER_DATA": str(data), "TONGBU_SERVER_LISTEN": "127.0.0.1:0",
           "TONGBU_LIVE_RTMP": "127.0.0.1:0", "TONGBU_STORE_MIN_FREE_MIB": "0"}  # fmt: skip
    return load(Settings, {}, {**own, **environment}, {})


def test_reads_this_machine_and_says_so(
    dsn: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = settings(tmp_path / "data", TONGBU_DATABASE_URL=dsn)
    code = readings.run(asked, argparse.Namespace(json=True))
    told = json.loads(capsys.readouterr().out)
    levels = {check["name"]: check["level"] for check in told["checks"]}
    for name in ("Python", "system", "ffmpeg", "database", "object store", "address", "encoders"):
        assert levels[name] == "ok", told
    assert code == int("fail" in levels.values())
    assert readings.run(asked, argparse.Namespace(json=False)) == code
    assert "ok    Python" in capsys.readouterr().out
    left = [p.name for p in (tmp_path / "data" / "objects").iterdir()]
    assert left == [".tmp"]


def test_ffmpeg_has_what_is_asked_for() -> None:
    assert readings.read_ffmpeg().names >= {*ENCODERS, *FILTERS}


@pytest.mark.parametrize("script", [None, "#!/bin/sh\nexit 1\n", "not a program"])
def test_an_ffmpeg_that_does_not_run(tmp_path: Path, script: str | None) -> None:
    program = tmp_path / "ffmpeg"
    if script is not None:
        program.write_text(script)
        program.chmod(0o755)
    assert readings.read_ffmpeg(str(program)).error.startswith("does not run: ")


def test_a_database_that_is_away(tmp_path: Path) -> None:
    away = settings(tmp_path, TONGBU_DATABASE_URL="host=/proc/none dbname=x")
    seen = readings.read_database(away)
    assert seen.kind == "configured"
    assert "No such file" in seen.error


def test_a_database_behind_this_program(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = catalog_migrations()
    monkeypatch.setattr(readings, "catalog_migrations", lambda: [*steps, *steps[:2]])
    seen = readings.read_database(settings(tmp_path, TONGBU_DATABASE_URL=dsn))
    assert (seen.applied, seen.pending) == (len(steps), 2)
    assert Database("configured", seen.version, len(steps), 2) == seen


async def test_a_store_that_is_away(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    s3 = settings(
        tmp_path, TONGBU_STORE_ENDPOINT=f"http://127.0.0.1:{port}",
        TONGBU_STORE_ACCESS_KEY="a", TONGBU_STORE_SECRET_KEY="s",
    )  # fmt: skip
    assert (await readings.read_store(s3)).error


async def test_a_store_without_room(tmp_path: Path) -> None:
    greedy = settings(tmp_path, TONGBU_STORE_MIN_FREE_MIB=str(1 << 40))
    assert "no room" in (await readings.read_store(greedy)).error


class _Health(BaseHTTPRequestHandler):
    body = b'{"status": "ok"}'

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class _Other(_Health):
    body = b"<html>someone else</html>"


@contextmanager
def answering(kind: type[_Health]) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_who_is_on_the_address() -> None:
    assert read_port("127.0.0.1:0").free
    assert read_port("[::1]:0").free or not socket.has_ipv6
    with answering(_Health) as ours, answering(_Other) as other:
        assert read_port(ours).ours
        seen = read_port(other)
    assert (seen.free, seen.ours, seen.error) == (False, False, "Address already in use")
    assert read_port("192.0.2.1:80").error == "Cannot assign requested address"


def read_port(listen: str) -> Port:
    return readings.read_port(listen, readings._is_ours)


@contextmanager
def greeting(answer: bytes) -> Iterator[str]:
    """Something that answers an encoder's greeting so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with server.accept()[0] as encoder:
                encoder.recv(1537, socket.MSG_WAITALL)
                encoder.sendall(answer)

        thread = threading.Thread(target=greet)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_who_is_where_encoders_come_in(tmp_path: Path) -> None:
    def seen(rtmp: str, service: str) -> tuple[bool, bool]:
        asked = settings(tmp_path, TONGBU_LIVE_RTMP=rtmp, TONGBU_SERVER_LISTEN=service)
        found = readings.read_rtmp(asked)
        return found.free, found.ours

    with answering(_Health) as ours, answering(_Other) as other:
        assert seen("127.0.0.1:0", ours) == (True, False)
        assert seen("", ours) == (False, False)
        for answer, service, expected in (
            (b"\x03", ours, True), (b"\x03", other, False), (b"H", ours, False), (b"", ours, False),
        ):  # fmt: skip
            with greeting(answer) as rtmp:
                assert seen(rtmp, service) == (False, expected)


def test_a_data_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert readings.read_disk(tmp_path / "file" / "data").error == "Not a directory"


def test_the_limits_of_a_container_count(tmp_path: Path) -> None:
    assert readings.read_cores(tmp_path) >= 1
    whole = readings.read_memory(tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text(f"{64 << 20}\n")
    assert readings.read_cores(tmp_path) == 0.5
    assert readings.read_memory(tmp_path) == 64 << 20
    (tmp_path / "cpu.max").write_text("max 100000\n")
    (tmp_path / "memory.max").write_text("max\n")
    assert readings.read_cores(tmp_path) >= 1
    assert readings.read_memory(tmp_path) == whole


def test_the_kernel_says_whether_ntp_keeps_the_clock() -> None:
    assert readings.read_synchronised() in (True, False, None)
