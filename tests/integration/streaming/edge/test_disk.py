"""Files, index and ledger say the same, whatever is done to them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streaming.edge.disk import PREFIXES, Disk, NoRoom
from tests.support.shelves import (
    TODAY,
    bytes_of,
    change_rows,
    disk_at,
    file_of,
    files_in,
    group_of,
    keep,
    piece_of,
    rows_in,
)

BUDGET_BYTES = 5000
numbers = st.integers(0, 9)
sizes = st.integers(1, 2000)
lessons = st.integers(0, 3)


class Accounts(RuleBasedStateMachine):
    """Pieces come, half or whole, are used, pinned and lost; the box is stopped and killed."""

    def __init__(self) -> None:
        super().__init__()
        self.path = Path(tempfile.mkdtemp())
        self.disk = disk_at(self.path, BUDGET_BYTES)
        self.disk.open()

    def teardown(self) -> None:
        self.disk.close(clean=False)
        shutil.rmtree(self.path)

    @rule(number=numbers, size=sizes, lesson=lessons)
    def comes(self, number: int, size: int, lesson: int) -> None:
        with suppress(NoRoom):
            keep(self.disk, piece_of(number, size, lesson), group_of(lesson))

    @rule(number=numbers, size=sizes, lesson=lessons, share=st.floats(0, 1))
    def breaks_off(self, number: int, size: int, lesson: int, share: float) -> None:
        piece = piece_of(number, size, lesson)
        with suppress(NoRoom):
            half = self.disk.start(piece, group_of(lesson))
            half.write(bytes_of(piece)[: int(size * share)])
            self.disk.give_up(half)

    @rule(numbers=st.lists(st.tuples(numbers, sizes, lessons), min_size=2, max_size=4))
    def come_together(self, numbers: list[tuple[int, int, int]]) -> None:
        halves = []
        for number, size, lesson in numbers:
            with suppress(NoRoom):
                halves.append(self.disk.start(piece_of(number, size, lesson), group_of(lesson)))
        for half in halves:
            half.write(bytes_of(half.piece))
            try:
                self.disk.keep(half)
            except NoRoom:
                self.disk.give_up(half)

    @rule(number=numbers, size=sizes, lesson=lessons)
    def used(self, number: int, size: int, lesson: int) -> None:
        self.disk.tend([piece_of(number, size, lesson)], [])

    @rule(lesson=lessons, days=st.integers(-1, 2))
    def pinned(self, lesson: int, days: int) -> None:
        self.disk.pin(group_of(lesson), TODAY + timedelta(days=days))

    @rule(lesson=lessons)
    def let_go(self, lesson: int) -> None:
        self.disk.pin(group_of(lesson), None)

    @rule()
    def lost(self) -> None:
        for lesson in range(4):
            for piece in self.disk.pieces(group_of(lesson))[:1]:
                file_of(self.path, piece).unlink()
                self.disk.tend([], [piece])

    @rule(clean=st.booleans(), budget=st.sampled_from([BUDGET_BYTES, BUDGET_BYTES // 2]))
    def restarted(self, clean: bool, budget: int) -> None:
        self.disk.tend([], [])
        self.disk.close(clean=clean)
        self.disk = disk_at(self.path, budget)
        self.disk.open()

    @invariant()
    def all_say_the_same(self) -> None:
        self.disk.tend([], [])
        files, rows = files_in(self.path), rows_in(self.path)
        held = sum(content.size_bytes for content in self.disk.contents())
        assert files == rows
        assert self.disk.size_bytes == sum(files.values()) == held
        assert held <= self.disk.budget_bytes <= BUDGET_BYTES


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(deadline=None, max_examples=40, stateful_step_count=20)


@pytest.fixture
def opened(tmp_path: Path) -> Disk:
    """A shelf with three pieces, which was killed: what was opened since trusts nothing."""
    disk = disk_at(tmp_path)
    disk.open()
    for number in range(3):
        keep(disk, piece_of(number), group_of())
    disk.tend([], [])
    again = disk_at(tmp_path)
    disk.close(clean=False)
    again.open()
    return again


def spoil(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def zero(path: Path) -> None:
    file_of(path, piece_of(1)).write_bytes(bytes(1000))


DAMAGE: dict[str, Callable[[Path], None]] = {
    "a bit": lambda path: spoil(file_of(path, piece_of(1))),
    "cut": lambda path: os.truncate(file_of(path, piece_of(1)), 999),
    "zeros": zero,
    "gone": lambda path: file_of(path, piece_of(1)).unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_after_a_kill_a_damaged_file_is_removed(opened: Disk, tmp_path: Path, damage: str) -> None:
    DAMAGE[damage](tmp_path)
    assert [opened.prove(piece_of(number)) for number in range(3)] == [True, False, True]
    opened.tend([], [])
    assert piece_of(1).name not in files_in(tmp_path) | rows_in(tmp_path)
    assert opened.size_bytes == 2000
    assert opened.open_file(piece_of(1)) is None
    opened.close(clean=False)


def test_after_a_kill_a_damaged_row_is_no_proof(opened: Disk, tmp_path: Path) -> None:
    name = piece_of(1).name
    opened.tend([], [])
    change_rows(tmp_path, f"UPDATE objects SET crc32 = crc32 + 1 WHERE name = x'{name}'")
    assert not opened.prove(piece_of(1))
    assert opened.damaged == 1
    opened.close(clean=False)


def test_a_file_without_a_row_is_never_given_out_after_a_kill(opened: Disk, tmp_path: Path) -> None:
    orphan = piece_of(7)
    file_of(tmp_path, orphan).parent.mkdir(exist_ok=True)
    file_of(tmp_path, orphan).write_bytes(bytes_of(orphan))
    assert not opened.prove(orphan)
    assert orphan.name not in files_in(tmp_path)
    opened.close(clean=False)


def test_each_file_is_compared_once(opened: Disk) -> None:
    for _ in range(3):
        assert opened.prove(piece_of(0))
    assert opened.checked == 1
    keep(opened, piece_of(5), group_of())
    assert opened.is_proven(piece_of(5))
    opened.close(clean=False)


@pytest.mark.parametrize("clean", [True, False])
def test_only_an_orderly_end_vouches_for_the_files(tmp_path: Path, clean: bool) -> None:
    synced: list[int] = []
    disk = Disk(tmp_path, 5000, sync=lambda: synced.append(1))
    disk.open()
    keep(disk, piece_of(0), group_of())
    disk.close(clean=clean)
    assert len(synced) == clean
    disk = disk_at(tmp_path)
    disk.open()
    assert disk.is_proven(piece_of(0)) is clean
    disk.close(clean=False)


def test_a_kill_before_the_rows_are_written_costs_their_files_only(tmp_path: Path) -> None:
    disk = disk_at(tmp_path / "killed")
    disk.open()
    keep(disk, piece_of(0), group_of())
    disk.tend([], [])
    keep(disk, piece_of(1), group_of())
    half = disk.start(piece_of(2), group_of())
    half.write(b"half")
    path = shutil.copytree(tmp_path / "killed", tmp_path / "found")
    disk.give_up(half)
    disk.close(clean=False)
    again = disk_at(path)
    again.open()
    assert set(files_in(path)) == {piece_of(0).name, piece_of(1).name}
    for prefix in PREFIXES:
        again.sweep(prefix)
    assert set(files_in(path)) == {piece_of(0).name} == set(rows_in(path))
    assert again.size_bytes == 1000
    again.close(clean=False)


def test_rows_without_files_go_when_their_folder_is_swept(opened: Disk, tmp_path: Path) -> None:
    file_of(tmp_path, piece_of(1)).unlink()
    file_of(tmp_path, piece_of(2)).write_bytes(b"short")
    for prefix in PREFIXES:
        opened.sweep(prefix)
    opened.tend([], [])
    assert set(rows_in(tmp_path)) == {piece_of(0).name} == set(files_in(tmp_path))
    assert set(opened.gone) == {piece_of(1), piece_of(2)}
    opened.close(clean=False)


def overwrite(path: Path) -> None:
    path.write_bytes(b"no database" * 1000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def scramble(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4096, len(data), 7):
        data[at] ^= 0xFF
    path.write_bytes(data)


STATEMENTS = {
    "another form": "PRAGMA user_version = 99",
    "a size that is none": "UPDATE objects SET size_bytes = -1",
    "a size of words": "UPDATE objects SET size_bytes = 'large'",
    "a size beyond all": "UPDATE objects SET offset = 9223372036854775807, size_bytes = 1e300",
}


@pytest.mark.parametrize("how", [overwrite, cut, scramble, *STATEMENTS])
@pytest.mark.parametrize("clean", [True, False])
def test_a_damaged_index_is_begun_anew_with_an_empty_shelf(
    opened: Disk, tmp_path: Path, how: Callable[[Path], None] | str, clean: bool
) -> None:
    opened.close(clean=clean)
    if isinstance(how, str):
        change_rows(tmp_path, STATEMENTS[how])
    else:
        how(tmp_path / "index.sqlite")
    disk = disk_at(tmp_path)
    disk.open()
    assert files_in(tmp_path) == {}
    assert disk.size_bytes == 0
    keep(disk, piece_of(0), group_of())
    disk.tend([], [])
    assert set(rows_in(tmp_path)) == {piece_of(0).name}
    disk.close(clean=False)


def test_recency_is_kept_over_a_restart(tmp_path: Path) -> None:
    disk = disk_at(tmp_path, 3000)
    disk.open()
    for lesson in range(3):
        keep(disk, piece_of(0, 1000, lesson), group_of(lesson))
    disk.tend([piece_of(0, 1000, 0)], [])
    disk.close(clean=True)
    disk = disk_at(tmp_path, 3000)
    disk.open()
    assert [c.group for c in disk.contents()] == [group_of(0), group_of(2), group_of(1)]
    keep(disk, piece_of(0, 1000, 3), group_of(3))
    assert disk.pieces(group_of(1)) == []
    assert disk.evicted == 1
    disk.close(clean=False)


def test_pins_are_kept_over_a_restart(tmp_path: Path) -> None:
    disk = disk_at(tmp_path, 2000)
    disk.open()
    keep(disk, piece_of(0, 1000, 0), group_of(0))
    keep(disk, piece_of(0, 1000, 1), group_of(1))
    disk.pin(group_of(0), TODAY)
    disk.close(clean=True)
    disk = disk_at(tmp_path, 2000)
    disk.open()
    keep(disk, piece_of(0, 1000, 2), group_of(2))
    assert [c.group for c in disk.contents()] == [group_of(2), group_of(0)]
    disk.pin(group_of(0), None)
    disk.tend([], [])
    disk.close(clean=True)
    disk = disk_at(tmp_path, 2000, today=lambda: TODAY + timedelta(days=1))
    disk.open()
    assert [c.last_day for c in disk.contents()] == [None, None]
    disk.close(clean=False)


def test_a_smaller_budget_holds_even_when_more_is_pinned(tmp_path: Path) -> None:
    disk = disk_at(tmp_path)
    disk.open()
    for number in range(4):
        keep(disk, piece_of(number), group_of())
    disk.pin(group_of(), TODAY)
    disk.close(clean=True)
    disk = disk_at(tmp_path, 2500)
    disk.open()
    assert disk.size_bytes == 2000
    assert sum(files_in(tmp_path).values()) == 2000
    with pytest.raises(NoRoom):
        disk.start(piece_of(9, 2501), group_of(9))
    disk.close(clean=False)
