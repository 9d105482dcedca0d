"""What a soak found, as plain text, and whether all of it is as it must be. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.service_processes import Look, Role
from loadtests.soak_books import Book, Ledger, What
from loadtests.soak_slope import Sample, settled, slope_of

# A lesson on air keeps where each segment lies, for going back in it: some 750 bytes a segment and
# rendition, 7 MB an hour for the five renditions of a soak, until it ends. The rest is what heaps
# wander. Ten kilobytes that stay of each viewer who comes would be 36 MB an hour.
LIMIT_MB_H = 24.0
# Caches of heaps and of the database's connections fill for minutes: a shorter look tells nothing.
SPAN_LEAST_S = 480.0
# Connections between a box, its origin and the database that are kept for a while and whose number
# is the chance of a moment.
DESCRIPTORS_SLACK = 4
TASKS_SLACK = 3
JUDGED = (Role.ORIGIN, Role.WORKER, Role.BOX)


@dataclass(frozen=True, slots=True)
class Taken:
    """One sample: what each process has, and how many tasks each role tells of."""

    at_s: float
    looks: Sequence[Look]
    tasks: Mapping[Role, int]

    def descriptors(self, role: Role) -> int:
        """Add up."""
        return sum(one.descriptors for one in self.looks if one.role is role)

    def bytes(self, role: Role) -> int:
        """Add up."""
        return sum(one.bytes for one in self.looks if one.role is role)

    def threads(self, role: Role) -> int:
        """Add up."""
        return sum(one.threads for one in self.looks if one.role is role)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it must be."""

    name: str
    text: str


def is_back(before: Taken, after: Taken) -> bool:
    """Tell whether everybody has left without a trace."""
    return not list(leaks(before, after))


def leaks(before: Taken, after: Taken) -> Iterator[Fault]:
    """Find descriptors and tasks that stayed when everybody had left."""
    for role in JUDGED:
        one, other = before.descriptors(role), after.descriptors(role)
        if other > one + DESCRIPTORS_SLACK:
            yield Fault(f"descriptors, {role.value}", f"{one} before, {other} after")
    for role in JUDGED:
        one, other = before.tasks.get(role, 0), after.tasks.get(role, 0)
        if other > one + TASKS_SLACK:
            yield Fault(f"tasks, {role.value}", f"{one} before, {other} after")


def samples_of(taken: Sequence[Taken], role: Role) -> list[Sample]:
    """Give the memory of a role's processes over time."""
    return [
        Sample(moment.at_s, look.pid, look.bytes)
        for moment in taken
        for look in moment.looks
        if look.role is role
    ]


def growth(taken: Sequence[Taken], warm_up_s: float) -> Iterator[Fault]:
    """Find roles whose memory surely grows; a soak that is too short finds none."""
    if not taken or taken[-1].at_s - warm_up_s < SPAN_LEAST_S:
        return
    for role in Role:
        samples = samples_of(taken, role)
        slope = slope_of(settled(samples, warm_up_s))
        if slope is None and samples and role in JUDGED:
            yield Fault(f"memory, {role.value}", "no life was long enough to tell")
        if slope is not None and slope.grows(LIMIT_MB_H):
            yield Fault(f"memory, {role.value}", f"{slope.mb_h:+.1f} ± {slope.error:.1f} MB/h")


def unbalanced(books: Sequence[Book]) -> Iterator[Fault]:
    """Find books that do not balance."""
    for book in books:
        if not book.balances:
            yield Fault(book.name, f"{book.left:g} against {book.right:g}")


def roles_table(
    taken: Sequence[Taken], warm_up_s: float, before: Taken, after: Taken
) -> Iterator[str]:
    """One line a role."""
    yield (f"{'role':<14}{'MB first':>10}{'last':>8}{'MB/h':>10}{'±':>8}"
           f"{'descriptors':>14}{'tasks':>12}{'threads':>12}")  # fmt: skip
    late = [one for one in taken if one.at_s >= warm_up_s] or list(taken[-1:])
    for role in Role:
        slope = slope_of(settled(samples_of(taken, role), warm_up_s))
        grows = f"{slope.mb_h:>10.1f}{slope.error:>8.1f}" if slope else f"{'?':>10}{'?':>8}"
        tasks = _pair(before.tasks.get(role), after.tasks.get(role))
        yield (
            f"{role.value:<14}{late[0].bytes(role) / 1e6:>10.1f}{late[-1].bytes(role) / 1e6:>8.1f}"
            f"{grows}{_pair(before.descriptors(role), after.descriptors(role)):>14}{tasks:>12}"
            f"{_pair(before.threads(role), after.threads(role)):>12}"
        )


def _pair(before: int | None, after: int | None) -> str:
    return "" if before is None or after is None else f"{before} → {after}"


def books_table(books: Sequence[Book]) -> Iterator[str]:
    """One line a book."""
    for book in books:
        verdict = "balances" if book.balances else "DOES NOT BALANCE"
        slack = f" (or {_more(book.slack)} more)" if book.slack else ""
        yield f"{book.name:<52}{book.left:>14,.0f}{book.right:>14,.0f}{slack}  {verdict}"


def _more(slack: float) -> str:
    return f"up to {slack:,.0f}" if math.isfinite(slack) else "any"


def ledger_table(ledger: Ledger) -> Iterator[str]:
    """What was done, a line each."""
    for what in What:
        yield f"{ledger[what]:>8}  {what.value}"
