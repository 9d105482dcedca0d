"""Ten real viewers who join a real lesson at once, by each delivery."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from loadtests.city_figures import KINDS
from loadtests.city_storm import copying
from loadtests.client import Client, Refused
from loadtests.live_session import booked, until_state
from loadtests.live_sessions import ROOM_S, host, make_film
from loadtests.service import Service, running
from loadtests.socket_copying import FRAME_BYTES
from loadtests.storm_crowd import Crowd, come
from loadtests.storm_probe import asking, waits

RATE_BYTES_S = 266_000


@asynccontextmanager
async def lesson(service: Service, film: Path) -> AsyncIterator[tuple[Client, str]]:
    """A lesson on air; its address in the API."""
    async with booked(service, "早上八点") as (client, session):
        with ExitStack() as hosts:
            await asyncio.to_thread(hosts.enter_context, host(film, session.rtmp))
            await until_state(client, session.id, "live")
            yield client, f"{service.url}/api/v1/sessions/{session.id}"
            await asyncio.to_thread(hosts.close)


def test_all_play_soon_and_at_full_rate(tmp_path: Path) -> None:
    async def storms(service: Service, film: Path) -> None:
        async with lesson(service, film) as (client, url):
            for kind in KINDS:
                # Long enough that what a busy machine sends late still comes within the look.
                crowd = Crowd(kind, 10, 1.0, 4.0, (url,))
                found = (await come(service, client, crowd)).stormed()
                assert (found.kind, found.viewers, found.errors) == (kind, 10, 0)
                assert 0 < found.join_p50_s <= found.join_p95_s <= found.join_most_s < 5
                assert 0.5 < found.until_95_s < 6
                assert found.steady_bytes_s > 10 * RATE_BYTES_S / 2
                assert found.slowest > 0.5
                assert 0 < found.api_p50_s <= found.api_p95_s < 5
                assert 0 < found.api_watching_p95_s < 5

    film = tmp_path / "film.flv"
    make_film(film)
    with running(extra=ROOM_S) as service:
        asyncio.run(storms(service, film))


async def test_the_yardstick_sends_everybody_the_same_and_goes_on_when_one_leaves() -> None:
    async with copying() as target:
        port = urlsplit(target.lines[0]).port
        found = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        for reader, _ in found:
            assert await reader.readexactly(2 * FRAME_BYTES) == bytes(2 * FRAME_BYTES)
        found[0][1].close()
        await found[1][0].readexactly(5 * FRAME_BYTES)
        found[1][1].close()


async def test_the_api_is_asked_by_the_clock_however_slow_it_is() -> None:
    class Slow:
        """An API whose first answer comes when six others have been asked for."""

        asked = 0
        sixth = asyncio.Event()

        async def get(self, path: str) -> None:
            assert path == "me"
            self.asked += 1
            if self.asked == 6:
                self.sixth.set()
            await self.sixth.wait()

    slow = Slow()
    async with asking(slow) as answers:  # type: ignore[arg-type]
        await slow.sixth.wait()
    assert len(answers) == slow.asked >= 6
    assert max(one.waited_s for one in answers) == pytest.approx(0.5, abs=0.4)


async def test_who_is_refused_has_waited_for_ever() -> None:
    class Full:
        """An API that has had enough."""

        asked = asyncio.Event()

        async def get(self, path: str) -> None:
            self.asked.set()
            raise Refused(f"{path}: 503")

    full = Full()
    async with asking(full) as answers:  # type: ignore[arg-type]
        await full.asked.wait()
    assert waits(answers).p50 == math.inf
