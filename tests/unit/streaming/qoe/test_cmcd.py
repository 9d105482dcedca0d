"""CMCD as players send it, and what is no CMCD."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from catalog.errors import Invalid
from streaming.qoe.cmcd import (
    KEYS_LIMIT,
    RATE_LIMIT_KBPS,
    TEXT_LIMIT_CHARS,
    TIME_LIMIT_MS,
    Cmcd,
    read_cmcd,
    read_headers,
)


def test_the_four_headers_together() -> None:
    found = read_headers(
        {
            "cmcd-object": "br=3200,d=4004,ot=v,tb=6000",
            "cmcd-request": 'bl=21300,dl=18500,mtp=48100,nor="..%2F300.m4s",su',
            "cmcd-session": 'cid="faec5fc2",pr=1.08,sf=h,sid="6e2fb550-c457-11e9",st=v',
            "cmcd-status": "bs,rtp=12000",
        }
    )
    assert found == Cmcd(
        br=3200, d=4004, ot="v", tb=6000, bl=21300, dl=18500, mtp=48100, nor="..%2F300.m4s",
        su=True, cid="faec5fc2", pr=1.08, sf="h", sid="6e2fb550-c457-11e9", st="v", bs=True,
        rtp=12000,
    )  # fmt: skip


def test_nothing_said() -> None:
    assert read_headers({"accept": "*/*"}) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("bs", Cmcd(bs=True)),
        ("bs=false,su=true", Cmcd(su=True)),
        ("br=1,br=2", Cmcd(br=2)),
        ('br=1, sid="a b"', Cmcd(br=1, sid="a b")),
        ('cid="a\\"b\\\\c,d=e"', Cmcd(cid='a"b\\c,d=e')),
        ('br=8,com.example-deck="x",other-n=4,a-b', Cmcd(br=8)),
        ("pr=2", Cmcd(pr=2.0)),
        (f"br={RATE_LIMIT_KBPS},d={TIME_LIMIT_MS}", Cmcd(br=RATE_LIMIT_KBPS, d=TIME_LIMIT_MS)),
        ("v=1", Cmcd()),
    ],
)
def test_keys_and_values(text: str, wanted: Cmcd) -> None:
    assert read_cmcd(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "", ",", "br=", "br=1,", ",br=1", "br==1", "br=1;d=2", 'sid="a', 'sid=a"', 'sid="\\a"',
        'sid=""', 'sid="学"', "br=1.5", "br=-1", "br", "br=x", "bs=1", "su=maybe", "ot=q", "sf=hls",
        "st=V", "v=2", "pr=17", "BR=1", "unknown=1", "br=0x10", "br=1e3", "br=١", "sid=6e2f",
        'sf="h"', 'br="5"', "sid",
        f"br={RATE_LIMIT_KBPS + 1}", f"bl={TIME_LIMIT_MS + 1}", "br=" + "9" * 30,
        f'sid="{"s" * 65}"', "br=1\r\nX: y", "br=1\x00",
    ],
)  # fmt: skip
def test_what_is_no_cmcd(text: str) -> None:
    with pytest.raises(Invalid, match="CMCD"):
        read_cmcd(text)


def test_limits() -> None:
    most = ",".join(f"a-{number}" for number in range(KEYS_LIMIT - 1))
    assert read_cmcd(f"{most},br=1") == Cmcd(br=1)
    with pytest.raises(Invalid, match="keys"):
        read_cmcd(f"{most},br=1,bs")
    long = 'nor="' + "x" * 1000 + '",nrr="' + "y" * 1000 + '"'
    assert len(read_cmcd(long).nor or "") == 1000
    with pytest.raises(Invalid, match=str(TEXT_LIMIT_CHARS)):
        read_cmcd("br=1," + "x" * TEXT_LIMIT_CHARS)


PIECES = st.sampled_from(
    ["br", "bs", "sid", "=", '"', ",", " ", "\\", "1", "1.5", "-", "a-b", "true", "%2C", "学", "\0"]
)


@given(st.one_of(st.text(), st.lists(PIECES, max_size=60).map("".join)))
@example('sid="' + "\\" * 2000)
@example("a" * TEXT_LIMIT_CHARS)
@example(" " * TEXT_LIMIT_CHARS)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read_cmcd(text)
    except Invalid:
        return
    assert found.br is None or 0 <= found.br <= RATE_LIMIT_KBPS
    assert found.sid is None or len(found.sid) <= 64
