"""Stays on disk: as they were after a kill, right in time over a restart of the machine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from streaming.edge.staybook import StayBook
from streaming.edge.stays import Stay, Voice

VOICE = Voice("/live/s1/room", {"Cookie": "tongbu_session=secret"}, '{"type":"join"}')


class Machine:
    """Clocks of a machine that may be started anew."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now, self.now_utc = 1000.0, 1_795_600_000.0
        self.boots = 1

    def boot(self) -> None:
        self.boots += 1

    def book(self) -> StayBook:
        file = self.path / "stays.sqlite"
        boot_id = self.path / f"boot-{self.boots}"
        return StayBook(file, lambda: self.now, lambda: self.now_utc, boot_id)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for number in range(1, 4):
        (tmp_path / f"boot-{number}").write_text(f"{number}\n", "ascii")
    return Machine(tmp_path)


def stay(id_: str = "a", **more: object) -> Stay:
    found = Stay(id_, ("s1", "tab1", "10.0.0.7"), VOICE, 400.0, 900.0)
    for name, value in more.items():
        setattr(found, name, value)
    return found


def seen_from_outside(path: Path) -> tuple[int, bytes]:
    return path.stat().st_mode & 0o777, path.read_bytes()


async def test_what_was_saved_is_there_after_a_kill(machine: Machine, tmp_path: Path) -> None:
    book = machine.book()
    assert await book.open() == []
    assert await book.save([stay(), stay("b", left=True, here=False)], [])
    assert await book.save([], ["x"])
    machine.now += 50.0
    await book.seen()
    other = machine.book()
    found = {one.id: one for one in await other.open()}
    assert found["a"] == stay(here=False, seen_at=1050.0), "seen since, for it is here"
    assert found["b"] == stay("b", left=True, here=False)
    assert await other.save([], ["a", "b"])
    await asyncio.gather(book.close(), other.close())
    mode, raw = await asyncio.to_thread(seen_from_outside, tmp_path / "stays.sqlite")
    assert (mode, b"secret" in raw) == (0o600, False)


async def test_over_a_restart_of_the_machine_its_wall_clock_tells(machine: Machine) -> None:
    book = machine.book()
    await book.open()
    await book.save([stay()], [])
    await book.close()
    machine.boot()
    machine.now, machine.now_utc = 20.0, machine.now_utc + 300.0
    book = machine.book()
    (found,) = await book.open()
    assert (found.began_at, found.seen_at) == (20.0 - 900.0, 20.0 - 400.0)
    await book.close()
    machine.boot()
    machine.now_utc -= 10 * 86400.0
    book = machine.book()
    (found,) = await book.open()
    assert found.began_at <= found.seen_at <= machine.now, "a clock that was set back"
    await book.close()


async def test_a_disk_that_takes_nothing_is_told(tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "file").write_text, "no directory", "ascii")
    book = StayBook(tmp_path / "file" / "stays.sqlite")
    assert await book.open() == []
    assert not await book.save([stay()], [])
    await book.seen()
    await book.close()


async def test_a_damaged_file_is_begun_anew(machine: Machine, tmp_path: Path) -> None:
    await asyncio.to_thread((tmp_path / "stays.sqlite").write_bytes, b"nonsense" * 500)
    book = machine.book()
    assert await book.open() == []
    assert await book.save([stay()], [])
    await book.close()
