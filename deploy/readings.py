"""`tongbu doctor`, the shell half: reads this machine, one small function a thing.

Nothing here raises or changes anything that stays: what cannot be read becomes the reading's
`error`. The embedded database is used when it runs and else started for the moment.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import os
import platform
import resource
import shutil
import socket
import struct
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import psycopg

from catalog.db.migrate import catalog_migrations
from catalog.errors import TongbuError
from catalog.store.settings import MIB, open_store
from deploy.command import Argument, Command
from deploy.database import catalogue
from deploy.doctor import (
    Clock,
    Database,
    Disk,
    Ffmpeg,
    Port,
    Readings,
    Store,
    as_json,
    as_text,
    examine,
    exit_code,
)
from deploy.settings import Settings, parse_listen

FFMPEG_LIMIT_S = 20.0
ANSWER_LIMIT_S = 2.0
RTMP_VERSION, RTMP_GREETING_BYTES = b"\x03", 1536
STORE_LIMIT_S = 20.0
PAGES = Path(__file__).parents[1] / "catalog" / "web" / "dist" / "index.html"
LAUNCH = Path(__file__).parents[1] / "transcoder" / "launch.py"
CGROUP = Path("/sys/fs/cgroup")
_TIMEX_BYTES, _TIMEX_STATUS_AT = 256, 40
_STA_UNSYNC = 0x40
_NO_LIMIT = 1 << 60


def run(settings: Settings, asked: argparse.Namespace) -> int:
    """Examine this machine and print the verdicts; 1 when something must be mended."""
    verdicts = examine(read(settings))
    sys.stdout.write(as_json(verdicts) if asked.json else as_text(verdicts))
    return exit_code(verdicts)


def read(settings: Settings) -> Readings:
    """Read everything; takes a few seconds."""
    started, wall_started = time.monotonic(), time.time()
    data = settings.server.data
    found = {
        "python": sys.version_info[:2],
        "glibc": read_glibc(),
        "ffmpeg": read_ffmpeg(),
        "disk": read_disk(data),
        "database": read_database(settings),
        "store": asyncio.run(read_store(settings)),
        "port": read_port(settings.server.listen, _is_ours),
        "rtmp": read_rtmp(settings),
        "min_free_bytes": settings.store.min_free_mib * MIB,
        "memory_bytes": read_memory(),
        "cores": read_cores(),
        "open_files": resource.getrlimit(resource.RLIMIT_NOFILE)[1],
        "sandbox": read_sandbox(),
        "pages": PAGES.is_file(),
    }
    step_s = (time.time() - wall_started) - (time.monotonic() - started)
    return Readings(clock=Clock(time.time(), step_s, read_synchronised()), **found)  # type: ignore[arg-type]


def read_glibc() -> tuple[int, int] | None:
    """Version of the C library, if it is glibc."""
    name, version = platform.libc_ver()
    parts = version.split(".")
    if name != "glibc" or len(parts) < 2:
        return None
    return int(parts[0]), int(parts[1])


def read_ffmpeg(program: str = "") -> Ffmpeg:
    """Run ffmpeg and list its encoders and filters."""
    try:
        program = program or imageio_ffmpeg.get_ffmpeg_exe()
        said = [_output(program, "-hide_banner", f"-{what}")
                for what in ("version", "encoders", "filters")]  # fmt: skip
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return Ffmpeg(program, error=f"does not run: {_sentence(error)}")
    words = [line.split() for text in said[1:] for line in text.splitlines()]
    names = frozenset(parts[1] for parts in words if len(parts) > 1)
    version = (said[0].split("\n")[0].split() + [""] * 3)[2]
    return Ffmpeg(program, version, names)


def _output(*command: str) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=FFMPEG_LIMIT_S,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.stdout


def read_database(settings: Settings) -> Database:
    """Connect and compare the schema's steps with ours."""
    kind = "configured" if settings.database.url else "embedded"
    try:
        with (
            catalogue(settings, prepare=False, beside=True) as dsn,
            psycopg.connect(dsn, connect_timeout=5) as connection,
        ):
            version = connection.info.server_version // 10_000
            known = connection.execute("select to_regclass('public.migration')").fetchone()
            applied = 0
            if known and known[0]:
                row = connection.execute("select count(*) from migration").fetchone()
                applied = int(row[0]) if row else 0
    except (TongbuError, psycopg.Error, OSError) as error:
        return Database(kind, error=_sentence(error))
    return Database(kind, version, applied, max(0, len(catalog_migrations()) - applied))


async def read_store(settings: Settings) -> Store:
    """Write, read and delete a small object."""
    kind = settings.store.endpoint or "directory"
    try:
        async with asyncio.timeout(STORE_LIMIT_S):
            async with open_store(settings.store, settings.server.data) as store:
                started = time.monotonic()
                await store.check()
                return Store(kind, time.monotonic() - started)
    except TimeoutError:
        return Store(kind, error=f"no answer within {STORE_LIMIT_S:.0f} s")
    except (TongbuError, OSError, ValueError) as error:
        return Store(kind, error=_sentence(error))


def read_port(listen: str, is_ours: Callable[[str], bool]) -> Port:
    """Try to listen; when that fails, ask whether Tongbu itself is there."""
    host, port = parse_listen(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen()
        except OSError as error:
            said = _sentence(error)
        else:
            return Port(listen, free=True)
    return Port(listen, ours=is_ours(listen), error=said)


def read_rtmp(settings: Settings) -> Port:
    """See who is where encoders come in; Tongbu is when it also answers on its own address."""

    def is_ours(listen: str) -> bool:
        return _takes_encoders(listen) and _is_ours(settings.server.listen)

    listen = settings.live.rtmp
    return read_port(listen, is_ours) if listen else Port("")


def _takes_encoders(listen: str) -> bool:
    """Greet as an encoder does. Spec: RTMP 1.0 5.2 (C0 and C1, answered by S0)."""
    try:
        with socket.create_connection(parse_listen(listen), ANSWER_LIMIT_S) as encoder:
            encoder.sendall(RTMP_VERSION + bytes(RTMP_GREETING_BYTES))
            return encoder.recv(1) == RTMP_VERSION
    except OSError:
        return False


def _is_ours(listen: str) -> bool:
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(f"http://{listen}/healthz", timeout=ANSWER_LIMIT_S) as answer:
            return bool(json.loads(answer.read(4096)) == {"status": "ok"})
    except (OSError, ValueError):
        return False


def read_disk(data: Path) -> Disk:
    """Room of the data directory, which is made if missing."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        seen = shutil.disk_usage(data)
        if not os.access(data, os.W_OK | os.X_OK):
            return Disk(str(data), error="may not be written")
    except OSError as error:
        return Disk(str(data), error=_sentence(error))
    return Disk(str(data), seen.free, seen.total)


def read_synchronised() -> bool | None:
    """Whether the kernel's clock is disciplined by NTP; None when it does not say.

    Spec: adjtimex(2); status is an int behind modes, offset, freq, maxerror and esterror.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if not hasattr(libc, "adjtimex") or libc.adjtimex(timex) < 0:
        return None
    (status,) = struct.unpack_from("i", timex.raw, _TIMEX_STATUS_AT)
    return not status & _STA_UNSYNC


def read_memory(cgroup: Path = CGROUP) -> int:
    """Memory that this process may use, in bytes: the machine's or the container's."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(machine, _number(cgroup / "memory.max"))


def read_cores(cgroup: Path = CGROUP) -> float:
    """Processors that this process may use: its affinity and the container's quota."""
    cores = float(len(os.sched_getaffinity(0)))
    try:
        quota, period = (cgroup / "cpu.max").read_text().split()
        return min(cores, int(quota) / int(period))
    except (OSError, ValueError):
        return cores


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return _NO_LIMIT


def read_sandbox() -> tuple[str, ...]:
    """Which steps of the transcoder's sandbox this kernel lets us take."""
    try:
        said = _output(sys.executable, "-I", "-S", str(LAUNCH), "--report")
        return tuple(json.loads(said))
    except (OSError, ValueError, subprocess.SubprocessError):
        return ()


def _sentence(error: BaseException) -> str:
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said.strip() or type(error).__name__).splitlines()[0]


COMMANDS = (
    Command("doctor", "check this machine and say what to do", run,
            (Argument(("--json",), {"action": "store_true", "help": "for programs"}),)),
)  # fmt: skip
