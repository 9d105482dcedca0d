"""What strangers may send: messages of viewers, paths, directives. Nothing breaks by it."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.hls.directives import BadDirective, read_directives
from streaming.live.stream import rung_asked, tune
from streaming.live.target import read_target
from streaming.live.wire import UNSENT_LIMIT_BYTES

TCP_NOTSENT_LOWAT = 25
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["rung"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("name", ["720p", "360p", "auto", "audio"])
def test_a_rung_is_understood(name: str) -> None:
    assert rung_asked(json.dumps({"type": "rung", "name": name})) == name


@given(st.text(max_size=60) | json_values.map(json.dumps))
def test_anything_else_asks_for_nothing(text: str) -> None:
    name = rung_asked(text)
    assert name is None or json.loads(text)["type"] == "rung"


@given(st.text(max_size=90))
def test_any_path_is_read_or_names_nothing(path: str) -> None:
    for whole in (path, f"0123456789abcdefghjk/{path}"):
        found = read_target(whole)
        assert found is None or found.session in whole


@given(st.dictionaries(st.sampled_from(["_HLS_msn", "_HLS_part", "_HLS_skip"]), st.text()))
def test_any_query_is_read_or_refused(query: dict[str, str]) -> None:
    with suppress(BadDirective):
        read_directives(query)


class Wire(asyncio.Transport):
    """A transport around a socket, as far as `tune` goes."""

    def __init__(self, found: socket.socket) -> None:
        super().__init__({"socket": found})
        self.high_bytes: int | None = None

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high_bytes = high


def test_a_connection_keeps_little_unsent() -> None:
    with closing(socket.socket()) as found:
        wire = Wire(found)
        tune(wire)
        assert found.getsockopt(socket.IPPROTO_TCP, TCP_NOTSENT_LOWAT) == UNSENT_LIMIT_BYTES
        assert wire.high_bytes == UNSENT_LIMIT_BYTES


def test_what_is_no_tcp_is_left_alone() -> None:
    tune(None)
    with closing(socket.socket(socket.AF_UNIX)) as found:
        wire: Any = Wire(found)
        tune(wire)
        assert wire.high_bytes is None
