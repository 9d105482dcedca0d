"""Reports go to the origin once the line is there: each until it is taken, no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import repeat
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import msgspec
import pytest

from catalog.ending import end_task
from streaming.edge.delivering import Delivering, Said
from streaming.edge.outbox import BATCH_LIMIT, Outbox, Waiting
from streaming.edge.upstream import LineCut
from tests.support.wait import eventually

Answer = Callable[[list[dict[str, Any]]], Said]


def taken(accepted: Sequence[str], refused: Sequence[str] = ()) -> Said:
    body = {"accepted": accepted, "refused": [{"id": one, "reason": "too old"} for one in refused]}
    return Said(200, msgspec.json.encode(body))


def takes_all(batch: list[dict[str, Any]]) -> Said:
    return taken([one["id"] for one in batch])


class Origin:
    """Takes reports by a script, then well; knows when the line is there."""

    def __init__(self) -> None:
        self.line = asyncio.Event()
        self.line.set()
        self.script: list[Answer] = []
        self.batches: list[list[dict[str, Any]]] = []

    async def reachable(self) -> None:
        await self.line.wait()

    async def __call__(self, body: bytes) -> Said:
        batch = msgspec.json.decode(body)
        self.batches.append(batch)
        return (self.script.pop(0) if self.script else takes_all)(batch)


@pytest.fixture
async def outbox(tmp_path: Path) -> AsyncIterator[Outbox]:
    box = Outbox(tmp_path / "outbox.sqlite")
    await box.open()
    yield box
    await box.close()


@pytest.fixture
async def origin() -> Origin:
    return Origin()


@pytest.fixture
async def delivering(outbox: Outbox, origin: Origin) -> AsyncIterator[Delivering]:
    made = Delivering(outbox, origin, origin, lambda: repeat(0.001))
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def put(outbox: Outbox, number: int = 1) -> list[str]:
    keys = [uuid4() for _ in range(number)]
    for key in keys:
        await outbox.put(Waiting(key, "qoe", 1_795_000_000.5, b'{"play_ms":5}'))
    return [str(key) for key in keys]


async def emptied(outbox: Outbox) -> None:
    await eventually(lambda: outbox.waiting == 0)


async def test_a_report_as_the_origin_takes_it(
    outbox: Outbox, origin: Origin, delivering: Delivering
) -> None:
    (key,) = await put(outbox)
    await emptied(outbox)
    ((sent,),) = origin.batches
    assert (sent["id"], sent["kind"], sent["body"]) == (key, "qoe", {"play_ms": 5})
    assert datetime.fromisoformat(sent["at"]).timestamp() == 1_795_000_000.5
    assert delivering.delivered == 1


async def test_batches_are_bounded_and_in_order(
    outbox: Outbox, origin: Origin, delivering: Delivering
) -> None:
    origin.line.clear()
    keys = await put(outbox, BATCH_LIMIT + 5)
    assert origin.batches == [], "the line is cut"
    origin.line.set()
    await emptied(outbox)
    assert [len(batch) for batch in origin.batches] == [BATCH_LIMIT, 5]
    assert [one["id"] for batch in origin.batches for one in batch] == keys


def cut(_: object) -> Said:
    raise LineCut("the line is cut")


def broken(_: object) -> Said:
    raise aiohttp.ServerDisconnectedError


def slow(_: object) -> Said:
    raise TimeoutError


@pytest.mark.parametrize(
    "trouble",
    [
        cut, broken, slow,
        *(lambda _, status=status: Said(status, b"") for status in (401, 403, 404, 429, 500, 503)),
        lambda _: Said(200, b"<html>"),
        lambda _: Said(200, b'{"accepted":[],"refused":[]}'),
        lambda _: taken([str(uuid4())]),
    ],
)  # fmt: skip
async def test_trouble_loses_nothing(
    outbox: Outbox, origin: Origin, delivering: Delivering, trouble: Answer
) -> None:
    origin.script = [trouble, trouble]
    keys = await put(outbox)
    await emptied(outbox)
    assert [[one["id"] for one in batch] for batch in origin.batches] == [keys] * 3
    assert (delivering.delivered, delivering.refused) == (1, 0)


async def test_what_is_refused_for_good_is_forgotten(
    outbox: Outbox, origin: Origin, delivering: Delivering
) -> None:
    origin.line.clear()
    good, bad = await put(outbox, 2)
    origin.script = [lambda _: taken([good], [bad])]
    origin.line.set()
    await emptied(outbox)
    assert (delivering.delivered, delivering.refused) == (1, 1)


async def test_one_that_spoils_a_batch_holds_up_no_other(
    outbox: Outbox, origin: Origin, delivering: Delivering
) -> None:
    origin.line.clear()
    keys = await put(outbox, 3)

    def spoilt(batch: list[dict[str, Any]]) -> Said:
        return Said(422, b"") if keys[1] in [one["id"] for one in batch] else takes_all(batch)

    origin.script = [spoilt] * 4
    origin.line.set()
    await emptied(outbox)
    assert [len(batch) for batch in origin.batches] == [3, 1, 1, 1]
    assert (delivering.delivered, delivering.refused) == (2, 1)


async def test_what_a_cut_line_held_up_goes_as_soon_as_it_is_back(
    outbox: Outbox, origin: Origin
) -> None:
    made = Delivering(outbox, origin, origin, lambda: repeat(3600.0))
    task = asyncio.create_task(made.run())

    def falls(batch: object) -> Said:
        origin.line.clear()
        return cut(batch)

    origin.script = [falls]
    await put(outbox)
    await eventually(lambda: len(origin.batches) == 1)
    assert outbox.waiting == 1
    origin.line.set()
    await emptied(outbox)
    await end_task(task)
