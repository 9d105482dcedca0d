"""Lets happen what the plan says: people come, things break, and all of it is counted."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Sequence

from loadtests.client import Refused
from loadtests.soak_books import Ledger, What
from loadtests.soak_environment import Environment
from loadtests.soak_people import Member
from loadtests.soak_plan import Happening, Kind
from loadtests.soak_profile import Manner, Profile, profile_of
from loadtests.soak_reports import tell
from loadtests.soak_streams import StreamViewer
from loadtests.soak_uploads import Uploading
from loadtests.soak_viewers import HlsViewer

AWAY_S = (1.0, 6.0)
BEHIND_BOX = 0.4
BURST = 40
PRIMED_S = 4.0
PRIMED_LIMIT_S = 120.0


class Crowd:
    """Everybody who comes. `leave` sends all away."""

    def __init__(self, environment: Environment, clip: bytes, ledger: Ledger) -> None:
        self.uploading = Uploading(environment.client, clip, ledger)
        self._environment, self._ledger = environment, ledger
        self._over = False
        self._numbers = itertools.count()
        self._breaking = asyncio.Lock()

    def over(self) -> bool:
        """Tell whether everybody is to leave."""
        return self._over

    async def prime(self) -> None:
        """Let each thing happen once, so that what is made once is there before it is counted."""
        chance = random.Random(0)
        async with asyncio.TaskGroup() as group:
            for _ in range(BURST):
                group.create_task(self._environment.client.get("lessons"))
            for number, boxed in itertools.product(
                range(len(self._environment.lessons)), (False, True)
            ):
                profile = Profile(self._url(number, boxed), PRIMED_S, Manner.WHOLE, not boxed)
                for by_stream in (False, True):
                    group.create_task(self._watch(profile, by_stream))
            for boxed in (False, True):
                group.create_task(self._member(0, boxed, chance))
                group.create_task(self._report(boxed, chance))
            group.create_task(self.uploading.run(chance))
        for lesson in self.uploading.lessons:
            await self._environment.client.until(lesson, "ready", limit_s=PRIMED_LIMIT_S)

    async def live(self, planned: Sequence[Happening], seconds: float) -> None:
        """Let it all happen, send everybody away at the end, and return when all have gone."""
        began_at = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for one in planned:
                await asyncio.sleep(max(0.0, began_at + one.at_s - time.monotonic()))
                group.create_task(self._happen(one), name=one.kind.value)
            await asyncio.sleep(max(0.0, began_at + seconds - time.monotonic()))
            self._over = True

    async def _happen(self, one: Happening) -> None:
        chance = random.Random(one.seed)
        number = chance.randrange(len(self._environment.lessons))
        boxed = chance.random() < BEHIND_BOX
        match one.kind:
            case Kind.VIEWER:
                await self._viewer(number, boxed, chance)
            case Kind.MEMBER:
                await self._member(number, boxed, chance)
            case Kind.UPLOAD:
                await self.uploading.run(chance)
            case _:
                # One fault at a time: a publisher must not come back to an encoder that is killed.
                async with self._breaking:
                    await self._break(one.kind, number, chance)

    async def _viewer(self, number: int, boxed: bool, chance: random.Random) -> None:
        profile = profile_of(self._url(number, boxed), not boxed, chance)
        by_stream = chance.random() < 0.5
        self._ledger.note(What.WS if by_stream else What.HLS)
        self._ledger.note(What.BEHIND_BOX, boxed)
        self._ledger.note(What.SLOW, profile.manner is Manner.SLOW)
        self._ledger.note(What.DROPPED, not profile.manner.polite)
        await self._watch(profile, by_stream)
        await self._report(boxed, chance)

    async def _watch(self, profile: Profile, by_stream: bool) -> None:
        kind = StreamViewer if by_stream else HlsViewer
        await kind(profile, self._ledger, self.over).run()

    async def _member(self, number: int, boxed: bool, chance: random.Random) -> None:
        lesson = self._environment.lessons[number]
        member = Member(next(self._numbers), self._ledger, self.over, lambda: lesson.ended)
        session = lesson.booked.id
        await member.run(lambda: f"{self._base(boxed)}/live/{session}/room", chance)

    async def _report(self, boxed: bool, chance: random.Random) -> None:
        what = What.REPORTS_BOX if boxed else What.REPORTS_CITY
        await tell(lambda: self._base(boxed), what, self._ledger, chance)

    async def _break(self, kind: Kind, number: int, chance: random.Random) -> None:
        away_s = chance.uniform(*AWAY_S)
        match kind:
            case Kind.LESSON:
                await self._environment.next_lesson(number)
                self._ledger.note(What.LESSON)
            case Kind.PUBLISHER:
                await self._environment.drop_publisher(self._environment.lessons[number], away_s)
                self._ledger.note(What.PUBLISHER)
            case Kind.ENCODER:
                killed = await self._environment.kill_encoder(chance.randrange(100))
                self._ledger.note(What.ENCODER, killed)
            case Kind.WORKER:
                await self._environment.kill_worker()
                self._ledger.note(What.WORKER)
            case Kind.BOX:
                await self._environment.kill_box(away_s)
                self._ledger.note(What.BOX)
            case _:
                raise Refused(f"nothing breaks when {kind.value}")

    def _base(self, boxed: bool) -> str:
        return self._environment.box.box.url if boxed else self._environment.service.url

    def _url(self, number: int, boxed: bool) -> str:
        session = self._environment.lessons[number].booked.id
        return f"{self._base(boxed)}/api/v1/sessions/{session}"
