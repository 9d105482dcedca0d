"""The RTMP core: a whole publisher's life, the key before media, hostile peers, any pieces."""

from __future__ import annotations

import contextlib
from itertools import pairwise
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.rtmp import (
    AUDIO,
    COMMAND,
    SESSION,
    VIDEO,
    answers,
    asking,
    command,
    fed,
    greeting,
    message,
)
from transcoder.live.amf import write_values
from transcoder.live.errors import BadContribution
from transcoder.live.flv import Hints, Kind, Tag
from transcoder.live.rtmp import (
    COMMAND_LIMIT_BYTES,
    COMMANDS_LIMIT,
    HANDSHAKE_BYTES,
    WINDOW_BYTES,
    Phase,
    PublishAsked,
    RtmpConnection,
    Unpublished,
)

CORPUS = Path(__file__).parents[3] / "corpus" / "rtmp"
ASKED = PublishAsked("live", f"{SESSION}?key=good")
SOUND = Tag(Kind.AUDIO, 23, b"\xaf\x01sound")
PICTURE = Tag(Kind.VIDEO, 40, b"\x17\x01\0\0\0picture")
METADATA = write_values("@setDataFrame", "onMetaData", {"width": 1280, "height": 720.0})


def media() -> bytes:
    """Metadata, sound, picture, and the end."""
    return b"".join(
        (
            message(18, METADATA),
            message(AUDIO, SOUND.data, SOUND.time_ms),
            message(VIDEO, PICTURE.data, PICTURE.time_ms),
            command("deleteStream", 6, None, 1),
        )
    )


def test_a_publisher_from_greeting_to_end() -> None:
    connection = RtmpConnection()
    assert connection.receive(asking()) == [ASKED]
    assert connection.accept() == []
    output = connection.take_output()
    assert (
        output[: 1 + 2 * HANDSHAKE_BYTES]
        == b"\x03" + bytes(HANDSHAKE_BYTES) + greeting()[1 : 1 + HANDSHAKE_BYTES]
    )
    found = answers(output)
    assert [(one[0], one[1]) for one in found] == [
        ("_result", 1),
        ("_result", 2),
        ("onFCPublish", 0),
        ("_result", 4),
        ("onStatus", 0),
    ]
    assert found[0][3]["code"] == "NetConnection.Connect.Success"
    assert found[-1][3]["code"] == "NetStream.Publish.Start"
    assert connection.receive(media()) == [Hints(1280, 720), SOUND, PICTURE, Unpublished()]
    assert connection.phase is Phase.CLOSED
    assert connection.receive(media()) == []


def test_a_wrong_key_is_told_and_nothing_more_is_read() -> None:
    connection = RtmpConnection()
    assert connection.receive(asking() + media()) == [ASKED]
    connection.refuse("no such key")
    last = answers(connection.take_output())[-1]
    assert last[0] == "onStatus"
    assert last[3]["code"] == "NetStream.Publish.BadName"
    assert last[3]["description"] == "no such key"
    assert connection.phase is Phase.CLOSED
    with pytest.raises(RuntimeError):
        connection.accept()


def test_media_that_came_with_the_wish_is_given_after_the_judgement() -> None:
    connection = RtmpConnection()
    assert connection.receive(asking() + media()) == [ASKED]
    assert connection.accept() == [Hints(1280, 720), SOUND, PICTURE, Unpublished()]


def test_an_amf3_command_and_enhanced_rtmp() -> None:
    connection = RtmpConnection()
    payload = b"\0" + write_values("connect", 1, {"app": "live", "objectEncoding": 3})
    connection.receive(greeting() + message(17, payload, number=3))
    first = answers(connection.take_output())[0]
    assert first[3]["objectEncoding"] == 3
    listed = b"\x0a\0\0\0\1" + write_values("hvc1")
    wish = write_values("connect", 1) + b"\x03\0\nfourCcList" + listed + b"\0\0\x09"
    connection = RtmpConnection()
    connection.receive(greeting() + message(COMMAND, wish, number=3))
    assert "hvc1" in answers(connection.take_output())[0][2]["videoFourCcInfoMap"]


def test_pings_and_windows_are_answered() -> None:
    connection = RtmpConnection()
    fed(connection, [asking()])
    connection.take_output()
    connection.receive(message(4, pack(">HI", 6, 77), stream=0, number=2))
    assert connection.take_output().endswith(pack(">HI", 7, 77))
    connection.receive(message(5, pack(">I", 10_000), stream=0, number=2))
    connection.receive(message(AUDIO, bytes(6_000)))
    acknowledged = connection.take_output()
    assert acknowledged[7] == 3
    assert int.from_bytes(acknowledged[-4:], "big") > 6_000


def test_an_aggregate_is_its_tags() -> None:
    tags = b"".join(
        bytes([kind]) + pack(">I", 2)[1:] + pack(">I", time)[1:] + bytes(4) + b"ab" + bytes(4)
        for kind, time in ((8, 100), (9, 140))
    )
    connection = RtmpConnection()
    found = fed(connection, [asking(), message(22, tags, 5_000)])
    assert found[1:] == [Tag(Kind.AUDIO, 5_000, b"ab"), Tag(Kind.VIDEO, 5_040, b"ab")]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "RTMP version 71"),
        (greeting() + message(VIDEO, b"\x17\x01"), "before publishing"),
        (greeting() + message(22, b"\x17\x01"), "before publishing"),
        (greeting() + message(COMMAND, b"\x05"), "without name"),
        (greeting() + message(COMMAND, bytes(COMMAND_LIMIT_BYTES + 1)), "a command of"),
        (greeting() + command("ping", 1) * (COMMANDS_LIMIT + 1), f"more than {COMMANDS_LIMIT}"),
        (asking() + command("publish", 6, None, "again", stream=1), "a second publish"),
    ],
)
def test_what_no_publisher_does(data: bytes, sentence: str) -> None:
    connection = RtmpConnection()
    with pytest.raises(BadContribution, match=sentence):
        fed(connection, [data])
    assert connection.phase is Phase.CLOSED


def test_the_own_window_is_acknowledged_without_being_asked() -> None:
    connection = RtmpConnection()
    fed(connection, [asking()])
    connection.take_output()
    for _ in range(WINDOW_BYTES // 2 // 60_000 + 1):
        connection.receive(message(VIDEO, bytes(60_000)))
    assert connection.take_output()[7] == 3


@given(st.lists(st.integers(0, len(asking()) + len(media())), max_size=12))
def test_any_pieces_give_the_same_events(cuts: list[int]) -> None:
    whole = asking() + media()
    edges = [0, *sorted(cuts), len(whole)]
    pieces = [whole[a:b] for a, b in pairwise(edges)]
    expected = [ASKED, Hints(1280, 720), SOUND, PICTURE, Unpublished()]
    assert fed(RtmpConnection(), pieces) == expected


def survives(data: bytes) -> None:
    """Whatever a peer sends ends in events or in BadContribution."""
    with contextlib.suppress(BadContribution):
        fed(RtmpConnection(), [data])


@given(st.binary(max_size=600))
def test_garbage_after_the_greeting(data: bytes) -> None:
    survives(greeting() + data)


@given(st.integers(0, len(asking() + media()) - 1), st.binary(min_size=1, max_size=6))
def test_a_life_with_a_few_wrong_bytes(at: int, wrong: bytes) -> None:
    whole = asking() + media()
    survives(whole[:at] + wrong + whole[at + len(wrong) :])


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.bin")), ids=lambda path: path.stem)
def test_corpus(path: Path) -> None:
    survives(path.read_bytes())
