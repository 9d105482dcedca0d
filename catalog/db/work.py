"""Units of work in the database: who may work on what, and who may still publish.

The `work` table is the truth about what is to be done; a job queue only wakes workers up. Each
start of a unit takes the next attempt, and everything an attempt writes is fenced: the lesson's row
and then the unit's row are locked and the attempt compared, so that a worker that was thought dead
and wakes up raises `Superseded` and changes nothing. Locks are always taken in that order.

    wanted ─► running ─► done          running ─► wanted    handed back, lease lost, failed and
       ▲         │                                          to be tried again after not_before
       └─ retry ─ failed, cancelled (catalog/db/sources.py)

Functions take an open connection: the caller owns the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.types.json import Jsonb

from catalog.db.pool import Connection
from catalog.errors import CatalogError
from catalog.lesson import PLAYING, LessonInput, LessonState, step

STILLS = "stills"
_LATE_KINDS = frozenset({"av1", STILLS})


class Superseded(CatalogError):
    """Another attempt has this unit now, or it was cancelled: stop, and publish nothing."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of one generation: 'prepare', 'audio', 'side', 'video/0', 'av1/0', 'stills'."""

    lesson: str
    generation: int
    name: str

    @property
    def kind(self) -> str:
        """What is done: the name without the number of a chunk."""
        return self.name.partition("/")[0]

    @property
    def number(self) -> int:
        """The number of the chunk; 0 when there is none."""
        return int(self.name.partition("/")[2] or 0)

    @property
    def late(self) -> bool:
        """Tell whether the lesson is ready without it."""
        return self.kind in _LATE_KINDS

    def __str__(self) -> str:
        return f"{self.lesson}/{self.generation}/{self.name}"


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a unit: holds until a newer attempt takes it or its lease is lost."""

    unit: Unit
    attempt: int


@dataclass(frozen=True, slots=True)
class Taken:
    """A claim with what the work begins from. A recording has no source: its key is empty."""

    claim: Claim
    priority: str
    failures: int
    source_key: str
    source_bytes: int
    plan: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class UnitStatus:
    """How far a unit is. speed counts seconds of media a second of encoding."""

    name: str
    state: str
    progress: float
    speed: float | None


_TAKE = """
update work set state = 'running', attempt = attempt + 1, worker = %(worker)s, error_code = '',
  error = '', progress = 0, speed = null, updated_at = now()
where lesson_id = %(lesson)s and generation = %(generation)s and unit = %(unit)s
  and state = 'wanted' and not_before <= now()
returning attempt, failures, priority
"""
_SOURCE = "select key, size_bytes, plan from source where lesson_id = %s and generation = %s"


async def take(connection: Connection, unit: Unit, worker: str) -> Taken | None:
    """Begin the next attempt, or give None when there is nothing to do."""
    if not await _lock_lesson(connection, unit):
        return None
    cursor = await connection.execute(
        _TAKE,
        {"worker": worker, "lesson": unit.lesson, "generation": unit.generation, "unit": unit.name},
    )
    taken = await cursor.fetchone()
    if taken is None:
        return None
    claim = Claim(unit, taken["attempt"])
    if unit.kind == STILLS:
        return Taken(claim, taken["priority"], taken["failures"], "", 0, None)
    cursor = await connection.execute(_SOURCE, (unit.lesson, unit.generation))
    source = await cursor.fetchone()
    if source is None:
        return None
    await advance(connection, unit, LessonInput.WORK_STARTED)
    return Taken(
        claim, taken["priority"], taken["failures"], source["key"], source["size_bytes"],
        source["plan"],
    )  # fmt: skip


async def hold(connection: Connection, claim: Claim) -> None:
    """Lock the lesson and the unit for this transaction. Raises: Superseded."""
    unit = claim.unit
    if not await _lock_lesson(connection, unit):
        raise Superseded(f"{unit}: the lesson is gone")
    cursor = await connection.execute(
        "select attempt, state from work where lesson_id = %s and generation = %s and unit = %s"
        " for update",
        (unit.lesson, unit.generation, unit.name),
    )
    row = await cursor.fetchone()
    if row is None or row["state"] != "running" or row["attempt"] != claim.attempt:
        raise Superseded(f"{unit}: attempt {claim.attempt} no longer holds")


async def beat(connection: Connection, claim: Claim, progress: float, speed: float | None) -> None:
    """Keep the lease and tell how far the attempt is. Raises: Superseded."""
    unit = claim.unit
    cursor = await connection.execute(
        "update work set updated_at = now(), progress = %s, speed = %s where lesson_id = %s"
        " and generation = %s and unit = %s and attempt = %s and state = 'running'",
        (progress, speed, unit.lesson, unit.generation, unit.name, claim.attempt),
    )
    if cursor.rowcount != 1:
        raise Superseded(f"{unit}: attempt {claim.attempt} no longer holds")


async def want(
    connection: Connection, lesson: str, generation: int, names: Sequence[str], priority: str
) -> None:
    """Ask for units; those that exist stay as they are."""
    for name in names:
        await connection.execute(
            "insert into work (lesson_id, generation, unit, priority) values (%s, %s, %s, %s)"
            " on conflict do nothing",
            (lesson, generation, name, priority),
        )


async def read_priority(connection: Connection, unit: Unit) -> str:
    """Give the class of a unit: 'fresh' or 'backlog'."""
    cursor = await connection.execute(
        "select priority from work where lesson_id = %s and generation = %s and unit = %s",
        (unit.lesson, unit.generation, unit.name),
    )
    row = await cursor.fetchone()
    return str(row["priority"]) if row else "backlog"


async def finish_prepare(
    connection: Connection,
    claim: Claim,
    *,
    probe: dict[str, Any],
    plan: dict[str, Any],
    duration_s: float,
    kind: str,
    names: Sequence[str],
) -> None:
    """Keep the plan and ask for its units. Raises: Superseded."""
    await hold(connection, claim)
    unit = claim.unit
    await connection.execute(
        "update source set probe = %s, plan = %s where lesson_id = %s and generation = %s",
        (Jsonb(probe), Jsonb(plan), unit.lesson, unit.generation),
    )
    if not await hidden(connection, unit):
        await connection.execute(
            "update lesson set duration_s = %s, content_kind = %s where id = %s",
            (duration_s, kind, unit.lesson),
        )
    priority = await read_priority(connection, unit)
    await want(connection, unit.lesson, unit.generation, names, priority)
    await mark_done(connection, claim)


async def keep_result(connection: Connection, unit: Unit, result: dict[str, Any]) -> None:
    """Keep what later units need of this one; the caller holds it."""
    await connection.execute(
        "update work set result = %s where lesson_id = %s and generation = %s and unit = %s",
        (Jsonb(result), unit.lesson, unit.generation, unit.name),
    )


async def read_results(connection: Connection, unit: Unit, prefix: str) -> list[dict[str, Any]]:
    """Give the results kept by units of the same generation whose name begins so."""
    cursor = await connection.execute(
        "select result from work where lesson_id = %s and generation = %s"
        " and starts_with(unit, %s) and result is not null order by unit",
        (unit.lesson, unit.generation, prefix),
    )
    return [row["result"] for row in await cursor.fetchall()]


async def mark_done(connection: Connection, claim: Claim) -> None:
    """Set the unit done; the caller holds it."""
    unit = claim.unit
    await connection.execute(
        "update work set state = 'done', progress = 1, updated_at = now()"
        " where lesson_id = %s and generation = %s and unit = %s",
        (unit.lesson, unit.generation, unit.name),
    )


async def hand_back(connection: Connection, claim: Claim) -> None:
    """Give the unit up unharmed, for any worker to go on with. Raises: Superseded."""
    await hold(connection, claim)
    unit = claim.unit
    await connection.execute(
        "update work set state = 'wanted', updated_at = now()"
        " where lesson_id = %s and generation = %s and unit = %s",
        (unit.lesson, unit.generation, unit.name),
    )


async def try_again(
    connection: Connection, claim: Claim, code: str, error: str, wait_s: float
) -> None:
    """Count a failure and want the unit again after wait_s seconds. Raises: Superseded."""
    await hold(connection, claim)
    unit = claim.unit
    await connection.execute(
        "update work set state = 'wanted', failures = failures + 1, error_code = %s, error = %s,"
        " not_before = now() + make_interval(secs => %s), updated_at = now()"
        " where lesson_id = %s and generation = %s and unit = %s",
        (code, error, wait_s, unit.lesson, unit.generation, unit.name),
    )


async def give_up(connection: Connection, claim: Claim, code: str, sentence: str) -> None:
    """Fail the unit for good, and with it the lesson unless the unit is a late one.

    The other units of the generation are cancelled. A lesson that still plays an older generation
    keeps doing so and only shows the error; a newer one that is being made takes the place of what
    failed. Raises: Superseded.
    """
    await hold(connection, claim)
    unit = claim.unit
    await connection.execute(
        "update work set state = 'failed', failures = failures + 1, error_code = %s, error = %s,"
        " updated_at = now() where lesson_id = %s and generation = %s and unit = %s",
        (code, sentence, unit.lesson, unit.generation, unit.name),
    )
    if unit.late:
        return
    await _cancel_open(connection, unit.lesson, unit.generation)
    shown = not await hidden(connection, unit)
    await advance(connection, unit, LessonInput.WORK_FAILED)
    if shown and await _give_way(connection, unit):
        return
    await connection.execute(
        "update lesson set error_code = %s, error_detail = %s, eta_s = null where id = %s",
        (code, sentence, unit.lesson),
    )


_NEWER = """
select generation, bool_or(state <> 'wanted') as begun from work
where lesson_id = %s and generation > %s group by generation
having bool_and(state in ('wanted', 'running', 'done')) order by generation desc limit 1
"""


async def _give_way(connection: Connection, unit: Unit) -> bool:
    """Let the newest version that is being made be the lesson's; False when there is none."""
    cursor = await connection.execute(_NEWER, (unit.lesson, unit.generation))
    newer = await cursor.fetchone()
    if newer is None:
        return False
    for between in range(unit.generation + 1, newer["generation"]):
        await _cancel_open(connection, unit.lesson, between)
    await move(connection, unit.lesson, LessonInput.SOURCE_STORED)
    if newer["begun"]:
        await move(connection, unit.lesson, LessonInput.WORK_STARTED)
    await connection.execute(
        "update lesson set generation = %s, progress = 0, eta_s = null, error_code = '',"
        " error_detail = '' where id = %s",
        (newer["generation"], unit.lesson),
    )
    return True


_LOST = """
select w.lesson_id, w.generation, w.unit, w.attempt, w.failures from work w
join lesson l on l.id = w.lesson_id and l.deleted_at is null
where w.state = 'running' and w.updated_at < now() - make_interval(secs => %s)
"""


async def lost_claims(connection: Connection, lease_s: float) -> list[tuple[Claim, int]]:
    """Give running attempts that said nothing for lease_s seconds, with their failures so far."""
    rows = await (await connection.execute(_LOST, (lease_s,))).fetchall()
    return [
        (Claim(Unit(row["lesson_id"], row["generation"], row["unit"]), row["attempt"]),
         row["failures"])
        for row in rows
    ]  # fmt: skip


async def read_units(connection: Connection, unit: Unit) -> list[UnitStatus]:
    """Give how far every unit of the same generation is."""
    cursor = await connection.execute(
        "select unit, state, progress, speed from work where lesson_id = %s and generation = %s",
        (unit.lesson, unit.generation),
    )
    return [
        UnitStatus(row["unit"], row["state"], row["progress"], row["speed"])
        for row in await cursor.fetchall()
    ]


async def show_progress(
    connection: Connection, unit: Unit, progress: float, eta_s: float | None
) -> None:
    """Write what the pages show, unless the lesson plays another generation meanwhile."""
    await connection.execute(
        "update lesson set progress = greatest(progress, %s), eta_s = %s where id = %s"
        " and state in ('transcoding', 'playable')",
        (progress, eta_s, unit.lesson),
    )


async def advance(connection: Connection, unit: Unit, event: LessonInput) -> None:
    """Move the lesson by the state table; nothing when the work is late or behind the scenes."""
    if not unit.late and not await hidden(connection, unit):
        await move(connection, unit.lesson, event)


async def move(connection: Connection, lesson: str, event: LessonInput) -> None:
    """Move a lesson that the caller has locked by the state table."""
    cursor = await connection.execute("select state from lesson where id = %s", (lesson,))
    row = await cursor.fetchone()
    assert row is not None, "the caller has locked the lesson"
    after = step(LessonState(row["state"]), event).value
    if after != row["state"]:
        await connection.execute("update lesson set state = %s where id = %s", (after, lesson))


async def hidden(connection: Connection, unit: Unit) -> bool:
    """Tell whether the lesson plays another generation, which this one will replace."""
    cursor = await connection.execute(
        "select state, generation from lesson where id = %s", (unit.lesson,)
    )
    row = await cursor.fetchone()
    assert row is not None, "the caller has locked the lesson"
    return row["generation"] != unit.generation and LessonState(row["state"]) in PLAYING


async def _lock_lesson(connection: Connection, unit: Unit) -> bool:
    cursor = await connection.execute(
        "select id from lesson where id = %s and deleted_at is null for no key update",
        (unit.lesson,),
    )
    return await cursor.fetchone() is not None


async def _cancel_open(connection: Connection, lesson: str, generation: int) -> None:
    await connection.execute(
        "update work set state = 'cancelled', updated_at = now()"
        " where lesson_id = %s and generation = %s and state in ('wanted', 'running')",
        (lesson, generation),
    )
