import pytest

from catalog.media import Chapter, Sprite
from streaming.webvtt import chapters, for_hls, thumbnails, timestamp

MAP = "X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3725.25, "01:02:05.250")],
)
def test_timestamps(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_each_moment_has_its_picture() -> None:
    sprites = [
        Sprite("a", 2, 1, 160, 90, (0.0, 5.0)),
        Sprite("b", 2, 2, 160, 90, (10.0, 12.0, 13.0)),
    ]
    assert thumbnails(sprites, 14.0, "?token=t").split("\n\n") == [
        "WEBVTT",
        "00:00:00.000 --> 00:00:05.000\nsprite-0.jpg?token=t#xywh=0,0,160,90",
        "00:00:05.000 --> 00:00:10.000\nsprite-0.jpg?token=t#xywh=160,0,160,90",
        "00:00:10.000 --> 00:00:12.000\nsprite-1.jpg?token=t#xywh=0,0,160,90",
        "00:00:12.000 --> 00:00:13.000\nsprite-1.jpg?token=t#xywh=160,0,160,90",
        "00:00:13.000 --> 00:00:14.000\nsprite-1.jpg?token=t#xywh=0,90,160,90\n",
    ]


def test_chapter_titles_cannot_break_out_of_their_cue() -> None:
    text = chapters([Chapter(0.0, "a\n\n00:01.000 --> 00:02.000\n<b>&"), Chapter(20.0, " ")], 14.0)
    assert text.split("\n\n")[1:] == [
        "00:00:00.000 --> 00:00:20.000\na 00:01.000 --&gt; 00:02.000 &lt;b&gt;&amp;",
        "00:00:20.000 --> 00:00:20.001\n-\n",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("WEBVTT\n\n1", f"WEBVTT\n{MAP}\n\n1"),
        ("\ufeffWEBVTT - title\r\n\r\n1", f"WEBVTT - title\r\n{MAP}\r\n\r\n1"),
        ("WEBVTT", f"WEBVTT\n{MAP}\n"),
        ("00:01 --> 00:02", f"WEBVTT\n{MAP}\n\n00:01 --> 00:02"),
        ("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:0", "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:0"),
    ],
)
def test_players_are_told_where_the_clock_begins(text: str, expected: str) -> None:
    assert for_hls(text) == expected
