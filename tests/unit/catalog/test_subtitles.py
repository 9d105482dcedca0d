"""Subtitles in every form that people have them, and in forms that attackers do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.subtitles import (
    CUES_LIMIT,
    LIMIT_BYTES,
    clean_language,
    read_cues,
    transcript,
    usual_label,
    write_webvtt,
)


def converted(text: str, encoding: str = "utf-8") -> str:
    return write_webvtt(read_cues(text.encode(encoding)))


def cue(text: str) -> str:
    """What becomes of one cue's text."""
    whole = converted(f"WEBVTT\n\n00:01.000 --> 00:02.000\n{text}\n")
    return whole.removeprefix("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n").removesuffix("\n")


SRT = "1\n00:00:01,000 --> 00:00:02,500\n同学们好\n第二行\n\n2\n1:00:00,5 --> 1:00:01,50\n再见\n"
VTT = (
    "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\n同学们好\n第二行\n\n"
    "01:00:00.500 --> 01:00:01.500\n再见\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_srt_in_every_encoding_becomes_webvtt(encoding: str, newline: str) -> None:
    assert converted(SRT.replace("\n", newline), encoding) == VTT


def test_utf_16_of_either_order() -> None:
    assert write_webvtt(read_cues(b"\xfe\xff" + SRT.encode("utf-16-be"))) == VTT


def test_webvtt_is_read_back_as_it_is() -> None:
    assert converted(VTT) == VTT


def test_headers_comments_styles_and_regions_do_not_come_through() -> None:
    text = (
        "WEBVTT - title\nX-TIMESTAMP-MAP=LOCAL:0\n\nSTYLE\n::cue { background: url(//x) }\n\n"
        "REGION\nid:a\n\nNOTE 00:01.000 --> 00:02.000\nsecret\n\n"
        "intro\n00:01.000 --> 00:02.000 region:a align:start line:-1 onclick:x position:10%\nhi\n"
    )
    assert converted(text) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.000 align:start line:-1 position:10%\nhi\n"
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a <b>bold</b> word", "a <b>bold</b> word"),
        ("<i>open", "<i>open</i>"),
        ("close</i>", "close"),
        ("<b><i>x</b></i>", "<b><i>x</i></b>"),
        ("<v 张老师>好", "<v 张老师>好</v>"),
        ('<i onclick="x()">a</i>', "<i>a</i>"),
        ("<c.red>a</c>", "a"),
        ("<00:01.500>karaoke", "karaoke"),
        ('<font color="red">a</font>', "a"),
        ("{\\an8}top", "top"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>", ""),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("&amp;lt;", "&amp;lt;"),
        ("<<b>script>", "&lt;<b>script&gt;</b>"),
        ("<ruby>汉<rt>hàn</rt></ruby>", "<ruby>汉<rt>hàn</rt></ruby>"),
    ],
)
def test_markup_is_built_anew(given: str, kept: str) -> None:
    if kept:
        assert cue(given) == kept
    else:
        with pytest.raises(Invalid, match="no subtitle"):
            cue(given)


def test_cues_are_put_in_order_and_empty_ones_left_out() -> None:
    text = (
        "WEBVTT\n\n00:05.000 --> 00:06.000\nb\n\n00:01.000 --> 00:01.000\nx\n\n"
        "00:02.000 --> 00:03.000\na\n"
    )
    assert [item.plain for item in read_cues(text.encode())] == ["a", "b"]


def test_the_transcript_has_words_alone_and_no_repeats() -> None:
    text = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>圆的 &amp; 面积\n\n"
        "00:02.000 --> 00:03.000\n<v B>圆的 &amp; 面积\n\n00:04.000 --> 00:05.000\n再见\n"
    )
    assert transcript(read_cues(text.encode())) == "圆的 & 面积\n再见"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "no subtitle"),
        (b"hello", "no subtitle"),
        (b"1\n00:00:01,000 --> later\nx\n", "line 2"),
        (b"1\n00:00:99,000 --> 00:01:00,000\nx\n", "line 2"),
        (b"1\n00:00:01,000 --> 00:00:02,000\na\x00b\n", "control characters"),
        (b"1\n00:00:01,000 --> 00:00:02,000\n" + b"x" * 1001, "more than 1000"),
        (b"\xff\xff\xff", "encoding"),
        (b"x" * (LIMIT_BYTES + 1), "larger than 2 MiB"),
        (b"00:01.000 --> 00:02.000\nx\n\n" * (CUES_LIMIT + 1), "more than 20000"),
    ],
)
def test_what_is_refused_says_why(raw: bytes, sentence: str) -> None:
    with pytest.raises(Invalid, match=sentence):
        read_cues(raw)


@given(st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        read_cues(b"1\n00:00:01,000 --> 00:00:02,000\n" + raw)
    except Invalid:
        return


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Z"]), min_size=1))
def test_what_is_written_reads_back_the_same(text: str) -> None:
    try:
        cues = read_cues(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n".encode())
    except Invalid:
        return
    written = write_webvtt(cues)
    assert write_webvtt(read_cues(written.encode())) == written
    assert "<script" not in written.lower()


@pytest.mark.parametrize(
    ("given", "kept"), [("ZH-hans", "zh-Hans"), ("en-gb", "en-GB"), ("yue", "yue")]
)
def test_language_tags_take_their_usual_case(given: str, kept: str) -> None:
    assert clean_language(given) == kept


@pytest.mark.parametrize("given", ["", "x", "zh/../x", "zh-", "中文", "a" * 50])
def test_what_is_no_language_tag(given: str) -> None:
    with pytest.raises(Invalid, match="no language tag"):
        clean_language(given)


def test_labels() -> None:
    assert [usual_label(tag) for tag in ("zh-Hans", "en-GB", "yue")] == [
        "简体中文",
        "English",
        "yue",
    ]
