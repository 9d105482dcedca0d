"""Every verdict of `tongbu doctor`, from readings written down here."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from deploy.doctor import (
    CHECKS,
    ENCODERS,
    FILTERS,
    GIB,
    Clock,
    Database,
    Disk,
    Ffmpeg,
    Level,
    Port,
    Readings,
    Store,
    as_json,
    as_text,
    examine,
    exit_code,
)

NAMES = frozenset((*ENCODERS, *FILTERS))
NOW_UTC = 1_795_000_000.0
HEALTHY = Readings(
    python=(3, 12),
    glibc=(2, 36),
    ffmpeg=Ffmpeg("/f", "n9.0", NAMES),
    database=Database("embedded", 18, 7, 0),
    store=Store("directory", 0.02),
    port=Port("127.0.0.1:8080", free=True),
    rtmp=Port("127.0.0.1:1935", free=True),
    disk=Disk("/data", 100 * GIB, 200 * GIB),
    min_free_bytes=GIB,
    clock=Clock(NOW_UTC, 0.0, True),
    memory_bytes=8 * GIB,
    cores=4.0,
    open_files=65_536,
    sandbox=("landlock", "seccomp"),
    pages=True,
)


def verdict(name: str, **changed: Any) -> tuple[str, str, str]:
    seen = {item.name: item for item in examine(replace(HEALTHY, **changed))}[name]
    return seen.level.value, seen.seen, seen.advice


def test_a_healthy_machine() -> None:
    verdicts = examine(HEALTHY)
    assert [item.name for item in verdicts] == [name for name, _ in CHECKS]
    assert {item.level for item in verdicts} == {Level.OK}
    assert not any(item.advice for item in verdicts)
    assert exit_code(verdicts) == 0


@pytest.mark.parametrize(
    ("name", "changed", "level", "seen", "advice"),
    [
        ("Python", {"python": (3, 10)}, "fail", "3.10", "Python 3.11"),
        ("system", {"glibc": None}, "fail", "no glibc", "Debian 12"),
        ("system", {"glibc": (2, 27)}, "fail", "glibc 2.27", "2.28"),
        ("system", {"glibc": (2, 28)}, "ok", "glibc 2.28", ""),
        ("ffmpeg", {"ffmpeg": Ffmpeg(error="does not run: none")}, "fail", "none", "make"),
        ("ffmpeg", {"ffmpeg": Ffmpeg("/f", "n4", NAMES - {"libsvtav1", "libvmaf"})}, "fail",
         "n4 at /f, without libsvtav1, libvmaf", "another ffmpeg"),
        ("database", {"database": Database("configured", error="refused")}, "fail", "refused",
         "TONGBU_DATABASE_URL"),
        ("database", {"database": Database("configured", 15, 7)}, "fail", "PostgreSQL 15", "16"),
        ("database", {"database": Database("configured", 16, 5, 2)}, "warn", "2 steps behind",
         "tongbu migrate"),
        ("database", {"database": Database("embedded", 18, 0, 7)}, "ok", "still empty", ""),
        ("object store", {"store": Store("s3", error="no room")}, "fail", "no room", "[store]"),
        ("object store", {"store": Store("https://s3", 2.5)}, "warn", "2500 ms", "slow"),
        ("address", {"port": Port("127.0.0.1:80", error="Permission denied")}, "fail",
         "127.0.0.1:80: Permission denied", "--listen"),
        ("address", {"port": Port("127.0.0.1:80", ours=True, error="in use")}, "ok",
         "Tongbu answers on 127.0.0.1:80", ""),
        ("encoders", {"rtmp": Port("127.0.0.1:80", error="Permission denied")}, "fail",
         "127.0.0.1:80: Permission denied", "TONGBU_LIVE_RTMP"),
        ("encoders", {"rtmp": Port("127.0.0.1:80", ours=True, error="in use")}, "ok",
         "Tongbu takes encoders on 127.0.0.1:80", ""),
        ("encoders", {"rtmp": Port("")}, "ok", "switched off", ""),
        ("disk", {"disk": Disk("/data", error="Read-only")}, "fail", "Read-only", "--data"),
        ("disk", {"disk": Disk("/data", GIB - 1, GIB)}, "fail", "1.0 of 1.0 GiB", "delete lessons"),
        ("disk", {"disk": Disk("/data", 15 * GIB, 99 * GIB)}, "warn", "15.0 of 99.0", "more room"),
        ("disk", {"disk": Disk("/data", 50 * GIB, 99 * GIB), "min_free_bytes": 30 * GIB}, "warn",
         "50.0", "more room"),
        ("clock", {"clock": Clock(86_400.0, 0.0, True)}, "fail", "years behind", "set it"),
        ("clock", {"clock": Clock(NOW_UTC, -1.5, True)}, "warn", "-1.5 s", "NTP"),
        ("clock", {"clock": Clock(NOW_UTC, 0.1, False)}, "warn", "no NTP", "chrony"),
        ("clock", {"clock": Clock(NOW_UTC, 0.1, None)}, "ok", "steadily", ""),
        ("memory", {"memory_bytes": GIB - 1}, "fail", "1.0 GiB", "2 GiB or more"),
        ("memory", {"memory_bytes": GIB}, "warn", "1.0 GiB", "one encode"),
        ("processors", {"cores": 1.5}, "warn", "1.5", "2 or more"),
        ("open files", {"open_files": 256}, "fail", "256", "ulimit"),
        ("open files", {"open_files": 4096}, "warn", "4096", "sockets"),
        ("sandbox", {"sandbox": ()}, "warn", "nothing", "network"),
        ("sandbox", {"sandbox": ("landlock",)}, "warn", "landlock", "network"),
        ("sandbox", {"sandbox": ("network namespace",)}, "warn", "network namespace", "Landlock"),
        ("pages", {"pages": False}, "fail", "not built", "make serve"),
    ],
)  # fmt: skip
def test_each_verdict(
    name: str, changed: dict[str, Any], level: str, seen: str, advice: str
) -> None:
    found = verdict(name, **changed)
    assert found[0] == level
    assert seen in found[1]
    assert advice in found[2]
    assert bool(found[2]) == (level != "ok"), "advice goes with trouble and only with it"


def test_only_what_must_be_mended_fails_the_command() -> None:
    assert exit_code(examine(replace(HEALTHY, cores=1.0))) == 0
    assert exit_code(examine(replace(HEALTHY, pages=False))) == 1


def test_text_for_a_person() -> None:
    lines = as_text(examine(replace(HEALTHY, cores=1.0, pages=False))).splitlines()
    assert lines[0] == "ok    Python        3.12"
    at = lines.index("warn  processors    1")
    assert lines[at + 1].startswith(" " * 20 + "→ pages slow down")
    assert lines[-1] == "1 to mend, 1 to look at"
    assert len(lines) == len(CHECKS) + 2 + 1


def test_json_for_a_program() -> None:
    told = json.loads(as_json(examine(replace(HEALTHY, pages=False))))
    assert told["ok"] is False
    assert told["checks"][-1] == {
        "name": "pages",
        "level": "fail",
        "seen": "not built",
        "advice": "run `make serve`, or `python -m deploy.web_build`",
    }
