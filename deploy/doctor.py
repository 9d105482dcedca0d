"""`tongbu doctor`, the pure half: from what was read of this machine to verdicts and sentences.

Each check is a row of `CHECKS`: a name and a function from `Readings` to a level, what was seen and
what to do about it. No I/O here; `deploy/readings.py` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

MIB = 1 << 20
GIB = 1 << 30
OLDEST_PYTHON = (3, 11)
OLDEST_GLIBC = (2, 28)
OLDEST_POSTGRES = 16
LITTLE_DISK_BYTES = 20 * GIB
LITTLE_MEMORY_BYTES = 2 * GIB
LEAST_MEMORY_BYTES = GIB
FEWEST_FILES = 1024
ENOUGH_FILES = 8192
SLOW_STORE_S = 1.0
CLOCK_STEP_S = 0.2
OLDEST_SANE_UTC = 1_767_225_600.0  # 2026-01-01: a machine without a clock battery is before it
ENCODERS = ("libx264", "aac", "libopus", "libsvtav1", "mjpeg")
FILTERS = ("scale", "split", "loudnorm", "libvmaf")


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check's result: what was seen, and what to do when it is not ok."""

    name: str
    level: Level
    seen: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """What the ffmpeg program says of itself; `error` when it does not run."""

    path: str = ""
    version: str = ""
    names: frozenset[str] = frozenset()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """Kind and major version, steps applied and missing; `error` when it does not answer."""

    kind: str = ""
    version: int = 0
    applied: int = 0
    pending: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """Kind and time of one write, read and delete; `error` when they failed."""

    kind: str = ""
    took_s: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """Whether the address can be listened on, or who answers there; no address: switched off."""

    listen: str
    free: bool = False
    ours: bool = False
    error: str = ""


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of the data directory."""

    path: str
    free_bytes: int = 0
    total_bytes: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time, its jump against the monotonic clock meanwhile, whether NTP keeps it."""

    wall_utc: float
    step_s: float
    synchronised: bool | None


@dataclass(frozen=True, slots=True)
class Readings:
    """All that was read of this machine."""

    python: tuple[int, int]
    glibc: tuple[int, int] | None
    ffmpeg: Ffmpeg
    database: Database
    store: Store
    port: Port
    rtmp: Port
    disk: Disk
    min_free_bytes: int
    clock: Clock
    memory_bytes: int
    cores: float
    open_files: int
    sandbox: tuple[str, ...]
    pages: bool


Judgement = tuple[Level, str, str]


def _python(seen: Readings) -> Judgement:
    text = ".".join(map(str, seen.python))
    if seen.python < OLDEST_PYTHON:
        return Level.FAIL, text, "install Python 3.11 or newer and run `make serve` with it"
    return Level.OK, text, ""


def _system(seen: Readings) -> Judgement:
    if seen.glibc is None:
        return Level.FAIL, "no glibc", "use a Linux with glibc 2.28 or newer, such as Debian 12"
    text = "glibc " + ".".join(map(str, seen.glibc))
    if seen.glibc < OLDEST_GLIBC:
        return Level.FAIL, text, "use Debian 12, Ubuntu 22.04 or newer: glibc 2.28 is needed"
    return Level.OK, text, ""


def _ffmpeg(seen: Readings) -> Judgement:
    found = seen.ffmpeg
    if found.error:
        return Level.FAIL, found.error, "run `make serve` again: it installs the ffmpeg it needs"
    lacking = [name for name in (*ENCODERS, *FILTERS) if name not in found.names]
    text = f"{found.version} at {found.path}"
    if lacking:
        advice = "set another ffmpeg, or remove it so that the one Tongbu brings is used"
        return Level.FAIL, f"{text}, without {', '.join(lacking)}", advice
    return Level.OK, text, ""


def _database(seen: Readings) -> Judgement:
    found = seen.database
    if found.error:
        return Level.FAIL, found.error, "start it, or correct TONGBU_DATABASE_URL"
    text = f"{found.kind} PostgreSQL {found.version}"
    if found.version < OLDEST_POSTGRES:
        return Level.FAIL, text, f"PostgreSQL {OLDEST_POSTGRES} or newer is needed"
    if not found.applied:
        return Level.OK, f"{text}, still empty", ""
    if found.pending:
        advice = "run `tongbu migrate`; `tongbu serve` does it too"
        return Level.WARN, f"{text}, {found.pending} steps behind this program", advice
    return Level.OK, text, ""


def _store(seen: Readings) -> Judgement:
    found = seen.store
    if found.error:
        return Level.FAIL, found.error, "see [store] in `tongbu config --example`"
    text = f"{found.kind}: written, read and deleted in {found.took_s * 1000:.0f} ms"
    if found.took_s > SLOW_STORE_S:
        return Level.WARN, text, "the disk or the line to the store is slow: playback may stall"
    return Level.OK, text, ""


def _port(seen: Readings) -> Judgement:
    found = seen.port
    if found.free:
        return Level.OK, f"{found.listen} is free", ""
    if found.ours:
        return Level.OK, f"Tongbu answers on {found.listen}", ""
    return Level.FAIL, f"{found.listen}: {found.error}", "choose another with --listen HOST:PORT"


def _rtmp(seen: Readings) -> Judgement:
    found = seen.rtmp
    if not found.listen:
        return Level.OK, "switched off: encoders come in by SRT or the browser", ""
    if found.free:
        return Level.OK, f"{found.listen} is free", ""
    if found.ours:
        return Level.OK, f"Tongbu takes encoders on {found.listen}", ""
    advice = "choose another with TONGBU_LIVE_RTMP=HOST:PORT, or empty for none"
    return Level.FAIL, f"{found.listen}: {found.error}", advice


def _disk(seen: Readings) -> Judgement:
    found = seen.disk
    if found.error:
        return Level.FAIL, f"{found.path}: {found.error}", "choose another directory with --data"
    text = f"{found.free_bytes / GIB:.1f} of {found.total_bytes / GIB:.1f} GiB free at {found.path}"
    if found.free_bytes < seen.min_free_bytes:
        return Level.FAIL, text, "nothing can be stored: delete lessons or give it more room"
    if found.free_bytes < max(LITTLE_DISK_BYTES, 2 * seen.min_free_bytes):
        return Level.WARN, text, "an hour of source takes 1 to 4 GiB: give it more room soon"
    return Level.OK, text, ""


def _clock(seen: Readings) -> Judgement:
    found = seen.clock
    if found.wall_utc < OLDEST_SANE_UTC:
        return Level.FAIL, "the clock is years behind", "set it: tokens and dates depend on it"
    if abs(found.step_s) > CLOCK_STEP_S:
        text = f"the clock jumped by {found.step_s:+.1f} s during this check"
        return Level.WARN, text, "let one NTP service alone set the clock, and look again"
    if found.synchronised is False:
        advice = "start an NTP service (chrony, systemd-timesyncd): live lessons need one time"
        return Level.WARN, "no NTP service keeps the clock", advice
    return Level.OK, "kept by NTP" if found.synchronised else "runs steadily", ""


def _memory(seen: Readings) -> Judgement:
    text = f"{seen.memory_bytes / GIB:.1f} GiB"
    if seen.memory_bytes < LEAST_MEMORY_BYTES:
        return Level.FAIL, text, "an encode needs about 1 GiB: give it 2 GiB or more"
    if seen.memory_bytes < LITTLE_MEMORY_BYTES:
        return Level.WARN, text, "one encode at a time fits; 2 GiB a worker is better"
    return Level.OK, text, ""


def _cores(seen: Readings) -> Judgement:
    text = f"{seen.cores:g}"
    if seen.cores < 2:
        return Level.WARN, text, "pages slow down while a video is encoded: give it 2 or more"
    return Level.OK, text, ""


def _files(seen: Readings) -> Judgement:
    text = f"{seen.open_files} may be open"
    if seen.open_files < FEWEST_FILES:
        return Level.FAIL, text, "raise it: `ulimit -n 65536`, or LimitNOFILE in the service"
    if seen.open_files < ENOUGH_FILES:
        return Level.WARN, text, "viewers are sockets: `ulimit -n 65536`, or LimitNOFILE"
    return Level.OK, text, ""


def _sandbox(seen: Readings) -> Judgement:
    text = ", ".join(seen.sandbox) or "nothing"
    if "seccomp" not in seen.sandbox and "network namespace" not in seen.sandbox:
        advice = "let the container use seccomp, or user namespaces: ffmpeg could use the network"
        return Level.WARN, text, advice
    if "landlock" not in seen.sandbox:
        return Level.WARN, text, "a kernel with Landlock (5.13 or newer) also hides files from it"
    return Level.OK, text, ""


def _pages(seen: Readings) -> Judgement:
    if not seen.pages:
        return Level.FAIL, "not built", "run `make serve`, or `python -m deploy.web_build`"
    return Level.OK, "built", ""


CHECKS: tuple[tuple[str, Callable[[Readings], Judgement]], ...] = (
    ("Python", _python),
    ("system", _system),
    ("ffmpeg", _ffmpeg),
    ("database", _database),
    ("object store", _store),
    ("address", _port),
    ("encoders", _rtmp),
    ("disk", _disk),
    ("clock", _clock),
    ("memory", _memory),
    ("processors", _cores),
    ("open files", _files),
    ("sandbox", _sandbox),
    ("pages", _pages),
)


def examine(seen: Readings) -> list[Verdict]:
    """Give every check's verdict, in the table's order."""
    return [Verdict(name, *judge(seen)) for name, judge in CHECKS]


def exit_code(verdicts: Sequence[Verdict]) -> int:
    """Give 1 when something must be mended, else 0."""
    return int(any(item.level is Level.FAIL for item in verdicts))


def as_text(verdicts: Sequence[Verdict]) -> str:
    """Render for a person: one line a check, the advice below it, a sum at the end."""
    lines: list[str] = []
    for item in verdicts:
        lines.append(f"{item.level.value:<4}  {item.name:<12}  {item.seen}")
        if item.advice:
            lines.append(f"{'':<20}→ {item.advice}")
    count = {level: sum(item.level is level for item in verdicts) for level in Level}
    lines.append(f"{count[Level.FAIL]} to mend, {count[Level.WARN]} to look at")
    return "\n".join(lines) + "\n"


def as_json(verdicts: Sequence[Verdict]) -> str:
    """Render for a program."""
    body = {"ok": exit_code(verdicts) == 0, "checks": verdicts}
    return msgspec.json.format(msgspec.json.encode(body)).decode() + "\n"
