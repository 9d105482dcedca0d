"""Members of rooms in a soak: they come, raise hands, leave politely or not, and come back."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import aiohttp

from loadtests.soak_books import Ledger, What
from loadtests.soak_profile import LEAST_S, MOST_S, reset_at_close
from loadtests.soak_viewers import AGAIN_S, BROKEN

HEAR_LIMIT_S = 20.0
RAISES, ABRUPT, RETURNS = 0.5, 0.3, 0.25
TRIES = 60
BREAKS = (*BROKEN, asyncio.TimeoutError, TypeError, KeyError)
Where = Callable[[], str]


@dataclass(frozen=True, slots=True)
class Stay:
    """How long somebody stays in a room, and how."""

    seconds: float
    raises: bool
    abrupt: bool


class Member:
    """A guest of a room, told apart by its browser's name. `ended`: the lesson is being ended."""

    def __init__(
        self, number: int, ledger: Ledger, over: Callable[[], bool], ended: Callable[[], bool]
    ) -> None:
        self._name = f"soak/{number}"
        self._ledger, self._over = ledger, over
        self._ended, self._late = ended, False

    async def run(self, room: Where, chance: random.Random) -> None:
        """Come, perhaps raise a hand, stay, leave; perhaps once more."""
        seconds = chance.uniform(LEAST_S, MOST_S)
        first = Stay(seconds, chance.random() < RAISES, chance.random() < ABRUPT)
        returns = chance.random() < RETURNS
        if not await self._visit(room, first):
            self._ledger.note(What.MEMBERS_UNSEEN)
            return
        self._ledger.note(What.LATE if self._late else What.MEMBERS)
        if returns and not self._over():
            await asyncio.sleep(AGAIN_S)
            again = Stay(seconds, raises=False, abrupt=False)
            self._ledger.note(What.RETURNED, await self._visit(room, again))

    async def _visit(self, room: Where, stay: Stay) -> bool:
        """Tell whether this member was welcomed."""
        for _ in range(TRIES):
            if (came := await self._once(room(), stay)) or self._over():
                return came
            self._ledger.note(What.REFUSED)
            await asyncio.sleep(AGAIN_S)
        return False

    async def _once(self, url: str, stay: Stay) -> bool:
        welcomed, sockets = False, list[socket.socket]()
        connector = aiohttp.TCPConnector(socket_factory=lambda a: _kept(a, sockets))
        browser = {"User-Agent": self._name}
        with suppress(*BREAKS):
            async with aiohttp.ClientSession(connector=connector, headers=browser) as http:
                ws = await http.ws_connect(url, max_msg_size=0)
                await ws.send_json(
                    {"type": "join", "name": "青岛家长", "device": "page", "delivery": "ws",
                     "client": self._name}
                )  # fmt: skip
                me = (await _hear(ws, lambda said: said["type"] == "welcome"))["member"]
                welcomed = True
                self._late = self._ended()
                if stay.raises:
                    await self._raise_hand(ws, me)
                await _listen(ws, stay.seconds, self._over)
                if not stay.abrupt:
                    await ws.close()
                    return True
                self._ledger.note(What.DROPPED)
                for one in sockets:
                    reset_at_close(one)
        return welcomed

    async def _raise_hand(self, ws: aiohttp.ClientWebSocketResponse, me: str) -> None:
        """Raise it and see it raised; what nobody saw may have been kept all the same."""
        seen = What.HANDS_UNSEEN
        try:
            await ws.send_json({"type": "hand", "up": True})
            await _hear(ws, lambda said: ["hands", me] in _keys(said))
            seen = What.HANDS_UNSEEN if self._ended() else What.HANDS
        finally:
            self._ledger.note(seen)


def _kept(address: aiohttp.AddrInfoType, sockets: list[socket.socket]) -> socket.socket:
    sockets.append(socket.socket(*address[:3]))
    return sockets[-1]


def _keys(said: dict[str, Any]) -> list[list[str]]:
    return [one["key"] for one in said.get("changes", ())]


async def _hear(
    ws: aiohttp.ClientWebSocketResponse, wanted: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    async with asyncio.timeout(HEAR_LIMIT_S):
        while True:
            said: dict[str, Any] = await ws.receive_json()
            if wanted(said):
                return said


async def _listen(
    ws: aiohttp.ClientWebSocketResponse, seconds: float, over: Callable[[], bool]
) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not over():
                with suppress(asyncio.TimeoutError):
                    await ws.receive_json(timeout=1.0)
