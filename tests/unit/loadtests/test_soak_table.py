"""What a soak says of what it found, and what it calls a fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from loadtests.live_cpu import Process
from loadtests.service_processes import Look, Role, roles, with_jobs
from loadtests.soak_books import Book, Ledger, What
from loadtests.soak_table import (
    DESCRIPTORS_SLACK,
    LIMIT_MB_H,
    SPAN_LEAST_S,
    TASKS_SLACK,
    Taken,
    books_table,
    growth,
    is_back,
    leaks,
    ledger_table,
    roles_table,
    unbalanced,
)

MB = 1_000_000


def moment(
    at_s: float = 0.0,
    descriptors: int = 50,
    tasks: int = 20,
    size: int = 100 * MB,
    role: Role = Role.ORIGIN,
) -> Taken:
    return Taken(at_s, [Look(role, 1, size, descriptors, 9)], {role: tasks})


def test_processes_get_their_roles_by_their_parents() -> None:
    def table(rows: Mapping[int, tuple[int, str]]) -> dict[int, Process]:
        return {pid: Process(pid, *row) for pid, row in rows.items()}

    looked_at = table({
        10: (1, "python -m deploy serve"), 11: (10, "/usr/lib/postgres -D x"),
        12: (11, "postgres: checkpointer"), 13: (10, "python -m deploy worker"),
        14: (10, "ffmpeg -i pipe:0"), 15: (13, "ffmpeg -i source.mp4"),
        20: (1, "python -m deploy edge"), 30: (1, "ffmpeg -re -i film.flv"),
    })  # fmt: skip
    found = roles(looked_at, {10: Role.ORIGIN, 20: Role.BOX, 99: Role.WORKER})
    assert found == {
        10: Role.ORIGIN, 11: Role.DATABASE, 12: Role.DATABASE, 13: Role.WORKER,
        14: Role.ENCODER, 20: Role.BOX,
    }  # fmt: skip
    assert with_jobs(looked_at, found) == found | {15: Role.WORKER}


def test_a_few_more_are_no_leak_and_many_are() -> None:
    before = moment()
    assert is_back(before, moment(descriptors=50 + DESCRIPTORS_SLACK, tasks=20 + TASKS_SLACK))
    assert is_back(before, moment(descriptors=10, tasks=5))
    (fault,) = leaks(before, moment(descriptors=51 + DESCRIPTORS_SLACK))
    assert fault.name == "descriptors, origin"
    (fault,) = leaks(before, moment(tasks=21 + TASKS_SLACK))
    assert (fault.name, fault.text) == ("tasks, origin", f"20 before, {21 + TASKS_SLACK} after")


def test_descriptors_of_a_role_are_those_of_all_its_processes() -> None:
    two = [Look(Role.WORKER, pid, MB, 30, 2) for pid in (1, 2)]
    before, after = Taken(0, two[:1], {}), Taken(0, two, {})
    assert [one.name for one in leaks(before, after)] == ["descriptors, worker"]


def growing(mb_h: float, role: Role = Role.BOX) -> Sequence[Taken]:
    return [
        moment(at, size=round(MB * (80 + mb_h * at / 3600)), role=role) for at in range(0, 1200, 5)
    ]


def test_memory_that_grows_is_a_fault() -> None:
    assert list(growth(growing(LIMIT_MB_H - 1), 300)) == []
    (fault,) = growth(growing(LIMIT_MB_H + 1), 300)
    assert fault.name == "memory, box"


def test_memory_that_was_not_measured_is_a_fault() -> None:
    lives = [
        Taken(one.at_s, [Look(Role.BOX, int(one.at_s // 400), 80 * MB, 50, 9)], {})
        for one in growing(0)
    ]
    assert list(growth(lives, 200)) == []
    (fault,) = growth(lives, 390)
    assert (fault.name, fault.text) == ("memory, box", "no life was long enough to tell")


def test_a_short_soak_says_nothing_of_memory() -> None:
    taken = growing(10 * LIMIT_MB_H)
    short = [one for one in taken if one.at_s < 300 + SPAN_LEAST_S]
    assert list(growth(short, 300)) == []
    assert list(growth([], 300)) == []
    assert list(growth(taken, 300)) != []


def test_a_book_that_does_not_balance_is_a_fault() -> None:
    books = [Book("good", 1, 1), Book("bad", 1, 2)]
    (fault,) = unbalanced(books)
    assert (fault.name, fault.text) == ("bad", "1 against 2")
    assert [line.split("  ")[-1] for line in books_table(books)] == [
        "balances", "DOES NOT BALANCE"
    ]  # fmt: skip


def test_the_table_has_a_line_a_role() -> None:
    before, after = moment(), moment(descriptors=52, tasks=21)
    lines = list(roles_table(growing(36, Role.ORIGIN), 300, before, after))
    assert len(lines) == 1 + len(Role)
    assert lines[1].split() == [
        "origin", "83.0", "92.0", "36.0", "0.0", "50", "→", "52", "20", "→", "21", "9", "→", "9"
    ]  # fmt: skip
    assert lines[2].startswith("worker")


def test_the_ledger_has_a_line_a_happening() -> None:
    ledger = Ledger()
    ledger.note(What.BOX, 3)
    lines = list(ledger_table(ledger))
    assert len(lines) == len(What)
    assert "       3  boxes killed" in lines
