"""What relays are told, and what of it may be written down."""

from __future__ import annotations

from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcoder.live.relay import RECODED, redacted, relay_command
from transcoder.live.srt import (
    LONGEST_PASSPHRASE,
    PASSPHRASE_LETTERS,
    SHORTEST_PASSPHRASE,
    srt_way,
)

LETTERS = st.text(
    st.sampled_from(sorted(PASSPHRASE_LETTERS)),
    min_size=SHORTEST_PASSPHRASE,
    max_size=LONGEST_PASSPHRASE,
)


def options(command: list[str], name: str) -> list[str]:
    """The values of an option, in order."""
    return [value for key, value in pairwise(command) if key == name]


@pytest.mark.parametrize(
    ("way", "form", "protocols"),
    [
        ("pipe:0", "matroska", "pipe"),
        ("srt://127.0.0.1:1?mode=listener", "mpegts", "srt,udp"),
    ],
)
def test_a_relay_reads_one_form_by_one_protocol(way: str, form: str, protocols: str) -> None:
    command = relay_command("ffmpeg", way, 7)
    assert options(command, "-f") == [form, "flv"]
    assert options(command, "-protocol_whitelist") == [protocols]
    assert options(command, "-c") == ["copy"]
    assert command[-1] == "pipe:7"
    assert command[command.index("-i") + 1] == way


def test_a_camera_is_read_over_tcp_and_never_elsewhere() -> None:
    command = relay_command("ffmpeg", "rtsp://10.0.0.9/1", 3)
    assert options(command, "-rtsp_transport") == ["tcp"]
    assert options(command, "-protocol_whitelist") == ["rtsp,tcp,rtp"]


def test_only_what_flv_cannot_carry_is_encoded_and_sound_never() -> None:
    command = relay_command("ffmpeg", "pipe:0", 3, recode=True)
    assert command.index("-c") < command.index("-c:v")
    assert tuple(command[command.index("-c:v") :][: len(RECODED)]) == RECODED
    assert "-c:a" not in command


def test_a_way_that_is_none_is_no_command() -> None:
    with pytest.raises(KeyError):
        relay_command("ffmpeg", "file:///etc/passwd", 3)


@pytest.mark.parametrize(
    ("host", "shown"), [("0.0.0.0", "0.0.0.0"), ("::1", "[::1]"), ("box.school", "box.school")]
)
def test_srt_is_listened_for_with_an_address_that_ffmpeg_reads(host: str, shown: str) -> None:
    way = urlsplit(srt_way(host, 10080, "a-good-passphrase"))
    assert way.netloc == f"{shown}:10080"
    asked = parse_qs(way.query)
    assert asked["mode"] == ["listener"]
    assert asked["passphrase"] == ["a-good-passphrase"]
    assert asked["pbkeylen"] == ["16"]


@given(LETTERS)
def test_a_passphrase_is_never_written_down(passphrase: str) -> None:
    way = srt_way("127.0.0.1", 10080, passphrase)
    for said in (f"{way}: Input/output error", f"srt://elsewhere:1?passphrase={passphrase}&x=1"):
        assert passphrase not in redacted(said, way).replace("***", "")


@given(st.text(st.sampled_from("geheim课@/:% "), min_size=1, max_size=12), st.booleans())
def test_a_cameras_password_is_never_written_down(password: str, whole: bool) -> None:
    way = f"rtsp://admin:{password}@10.0.0.9/1"
    found = redacted(f"[in#0] Error opening input {way if whole else 'x'}: 401", way)
    assert way not in found
    assert "401" in found
