"""Addresses as OBS, ffmpeg and recording hosts send them; wrong keys by address."""

from __future__ import annotations

import pytest

from catalog.live import FeedName
from tests.support.rtmp import SESSION
from transcoder.live.address import (
    ADDRESS_LIMIT_CHARACTERS,
    KEY_LIMIT_CHARACTERS,
    Address,
    read_address,
)
from transcoder.live.errors import Refused
from transcoder.live.tries import ADDRESSES_LIMIT, TRIES_LIMIT, TRIES_WINDOW_S, Tries

MAIN = Address(SESSION, FeedName.MAIN, "k")


@pytest.mark.parametrize(
    ("app", "name", "found"),
    [
        ("live", f"{SESSION}?key=k", MAIN),
        ("live/", f"/{SESSION}?key=k&x=1", MAIN),
        ("live?key=k", SESSION, MAIN),
        (f"live/{SESSION}", "floor?key=k", Address(SESSION, FeedName.FLOOR, "k")),
        ("live", f"{SESSION}/second?key=k", Address(SESSION, FeedName.SECOND, "k")),
        ("live", SESSION, Address(SESSION, FeedName.MAIN, "")),
    ],
)
def test_addresses(app: str, name: str, found: Address) -> None:
    assert read_address(app, name) == found


@pytest.mark.parametrize(
    ("app", "name"),
    [
        ("vod", f"{SESSION}?key=k"),
        ("live", "?key=k"),
        ("live", "../../etc?key=k"),
        ("live", f"{SESSION}/other?key=k"),
        ("live", f"{SESSION}/main/more?key=k"),
        ("live", f"{SESSION}?key=" + "k" * (KEY_LIMIT_CHARACTERS + 1)),
        ("live", SESSION + "?" + "k" * ADDRESS_LIMIT_CHARACTERS),
        ("", ""),
    ],
)
def test_what_is_no_address(app: str, name: str) -> None:
    with pytest.raises(Refused, match="copy server and stream key"):
        read_address(app, name)


def test_too_many_fields_are_no_address() -> None:
    with pytest.raises(Refused):
        read_address("live", SESSION + "?" + "&".join(f"a{n}=1" for n in range(20)))


def test_wrong_keys_cost_a_minute() -> None:
    tries = Tries()
    for number in range(TRIES_LIMIT):
        assert tries.wait_s("a", 100.0 + number) == 0
        tries.count("a", 100.0 + number)
    assert tries.wait_s("a", 110.0) == 100.0 + TRIES_WINDOW_S - 110.0
    assert tries.wait_s("b", 110.0) == 0
    assert tries.wait_s("a", 100.0 + TRIES_WINDOW_S) == 0


def test_the_number_of_addresses_is_bounded() -> None:
    tries = Tries()
    for number in range(ADDRESSES_LIMIT + 1):
        for _ in range(TRIES_LIMIT):
            tries.count(str(number), 1.0)
    assert tries.wait_s("0", 1.0) == 0
    assert tries.wait_s("1", 1.0) > 0
