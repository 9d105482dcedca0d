"""Options of live lessons: what the ingest gets, and what is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.config import ConfigError, load
from deploy.settings import Settings
from transcoder.live.settings import IngestSettings

FFMPEG = Path("/usr/bin/ffmpeg")


def ingest(**variables: str) -> IngestSettings:
    """What the ingest is given for these environment variables of [live]."""
    named = {f"TONGBU_LIVE_{name.upper()}": value for name, value in variables.items()}
    return load(Settings, {}, named, {}).live.ingest(FFMPEG)


def test_nobody_comes_in_from_elsewhere_unless_it_is_said() -> None:
    found = ingest()
    assert (found.host, found.rtmp_port) == ("127.0.0.1", 1935)
    assert (found.srt_ports, found.srt_host, found.rtsp_hosts) == ((0, 0), "", ())
    assert found.away_s == 30


def test_srt_may_come_in_elsewhere_than_rtmp() -> None:
    found = ingest(rtmp="10.0.0.1:1936", srt_host="10.9.0.1", srt_ports="10080-10083")
    assert (found.host, found.rtmp_port) == ("10.0.0.1", 1936)
    assert (found.srt_host, found.srt_ports) == ("10.9.0.1", (10080, 10083))
    alone = ingest(rtmp="", srt_host="0.0.0.0", srt_ports="10080-10080")
    assert (alone.host, alone.srt_host) == ("127.0.0.1", "0.0.0.0")


def test_camera_hosts_are_names_with_commas_between() -> None:
    assert ingest(rtsp_hosts=" Cam1.School , 10.1.2.3,").rtsp_hosts == ("cam1.school", "10.1.2.3")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("away_s", "4", "away_s must be 5 to 3600"),
        ("encode_cores", "-1", "encode_cores must be"),
        ("srt_host", "[::1]", "srt_host must be an address"),
        ("srt_host", "10.0.0.1 ", "srt_host must be an address"),
        ("srt_ports", "10-1", "ports must be FIRST-LAST"),
        ("rtmp", "1935", "listen must be HOST:PORT"),
    ],
)
def test_what_cannot_work_is_refused(name: str, value: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        ingest(**{name: value})


def test_the_ingest_checks_its_own_patience() -> None:
    with pytest.raises(ValueError, match="silent_s"):
        IngestSettings(FFMPEG, silent_s=9.0, idle_s=8.0)
    with pytest.raises(ValueError, match="away_s"):
        IngestSettings(FFMPEG, away_s=-1.0)
