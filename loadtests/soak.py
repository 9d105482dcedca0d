"""A soak: everything at once for a while, and then nothing may be left over or lost.

    python -m loadtests.soak [--minutes 20] [--seed 1]

A real service with two lessons on air (one whose picture is copied, one of which a lower rung is
made), a worker of its own beside the service's, and a school with a box. By a plan that is the same
for the same seed (soak_plan.py) viewers come by WebSocket and LL-HLS, straight and behind the box:
some read in sips, some hang up in the middle of an answer or with a reset. They report what they
saw, some twice. Others join the rooms, raise hands, come back; lessons are uploaded, interrupted,
resumed, abandoned, transcoded. A lesson ends for all and the next one begins; publishers drop,
encoders, the service's worker and the box are killed. Each 5 s the processes are looked at.

Judged are the slope of memory (soak_slope.py; of each life of a process after a quarter of the
soak, in which its caches fill; a soak of less than 11 minutes tells none), descriptors and tasks
when everybody has left, against those before anybody came, and the books (soak_books.py): every
segment held, evicted, recorded; every byte that was read counted; every report counted once; every
finished upload a lesson; everybody in the attendance. 1 when something is not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.live_sessions import make_film
from loadtests.soak_books import Book, Ledger
from loadtests.soak_crowd import Crowd
from loadtests.soak_environment import Environment, environment
from loadtests.soak_films import make_clip, make_large_film
from loadtests.soak_plan import plan
from loadtests.soak_reckoning import all_books
from loadtests.soak_table import (
    Fault,
    Taken,
    books_table,
    growth,
    is_back,
    leaks,
    ledger_table,
    roles_table,
    unbalanced,
)

EVERY_S = 5.0
WARM_UP_SHARE = 0.25
# A box lets a lesson go 30 s after its last viewer; a room keeps who broke off for as long.
SETTLE_LEAST_S, SETTLE_LIMIT_S = 40.0, 80.0


@dataclass(frozen=True, slots=True)
class Soaked:
    """Everything that was found."""

    seconds: float
    taken: Sequence[Taken]
    before: Taken
    after: Taken
    books: Sequence[Book]
    ledger: Ledger

    @property
    def warm_up_s(self) -> float:
        """From when on memory is looked at."""
        return self.seconds * WARM_UP_SHARE

    def faults(self) -> list[Fault]:
        """Give what is not as it must be."""
        return [
            *growth(self.taken, self.warm_up_s),
            *leaks(self.before, self.after),
            *unbalanced(self.books),
        ]

    def text(self) -> Iterator[str]:
        """Give the report."""
        yield from roles_table(self.taken, self.warm_up_s, self.before, self.after)
        yield ""
        yield from ledger_table(self.ledger)
        yield ""
        yield from books_table(self.books)
        yield ""
        faults = self.faults()
        yield from (f"NOT AS IT MUST BE: {one.name}: {one.text}" for one in faults)
        yield "All is as it must be." if not faults else f"{len(faults)} faults."


class Soak:
    """A soak that stands ready."""

    def __init__(self, environment: Environment, clip: bytes, seed: int, seconds: float) -> None:
        self.environment = environment
        self.ledger = Ledger()
        self.crowd = Crowd(environment, clip, self.ledger)
        self.settle_s = SETTLE_LEAST_S
        self._seed, self._seconds = seed, seconds
        self._taken: list[Taken] = []

    async def run(self, before: Taken) -> Soaked:
        """Let it happen and make up the books."""
        after = await self.live(before)
        books = await all_books(self.environment, self.crowd, self.ledger)
        return Soaked(self._seconds, self._taken, before, after, books, self.ledger)

    async def begin(self) -> Taken:
        """Let each thing happen once, and look how all is at rest."""
        await self.crowd.prime()
        return await self.rest(None)

    async def live(self, before: Taken) -> Taken:
        """Let it all happen, and look how all is when everybody has left."""
        async with self._sampling():
            await self.crowd.live(plan(self._seed, self._seconds), self._seconds)
        return await self.rest(before)

    async def rest(self, before: Taken | None) -> Taken:
        """Let everything settle, for longer while there is more than before."""
        await asyncio.sleep(self.settle_s)
        give_up_at = time.monotonic() + SETTLE_LIMIT_S
        found = await self.environment.take(0.0)
        while before and not is_back(before, found) and time.monotonic() < give_up_at:
            await asyncio.sleep(EVERY_S)
            found = await self.environment.take(0.0)
        return found

    @asynccontextmanager
    async def _sampling(self) -> AsyncIterator[None]:
        began_at = time.monotonic()

        async def sample() -> None:
            while True:
                self._taken.append(await self.environment.take(time.monotonic() - began_at))
                await asyncio.sleep(EVERY_S)

        task = asyncio.create_task(sample(), name="samples")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def soak(folder: Path, seed: int, seconds: float) -> AsyncIterator[Soak]:
    """Make what is shown, in a folder, and let everything stand."""
    films = [folder / "copied.flv", folder / "large.flv"]
    await asyncio.to_thread(make_film, films[0])
    await asyncio.to_thread(make_large_film, films[1])
    clip = await asyncio.to_thread(make_clip, folder / "clip.mp4")
    async with environment(films, folder) as found:
        yield Soak(found, clip, seed, seconds)


async def bench(folder: Path, asked: argparse.Namespace) -> Soaked:
    """Soak once."""
    async with soak(folder, asked.seed, asked.minutes * 60) as found:
        return await found.run(await found.begin())


def main(arguments: list[str]) -> int:
    """Run and print; 1 when something is not as it must be."""
    parser = argparse.ArgumentParser(description="Everything at once for a while, and what is left")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(arguments)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="tongbu-soak-") as home:
        found = asyncio.run(bench(Path(home), asked))
    print("\n".join(found.text()), flush=True)
    return int(bool(found.faults()))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
