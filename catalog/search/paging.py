"""Pages in an order: newest first, by tiers of relevance, by plays, by title.

Newest first is answered from the newest days: a list of days that holds a few times as many lessons
as are wanted, then one sixteen times as long while that may do, then all. A word on a third of four
million lessons so costs what its newest thousand cost. Other orders are groups (a tier, a number of
plays, a title) and newest first within the group: the place in any order is (group, key), unique.
"""

from __future__ import annotations

from itertools import groupby

import tantivy

from catalog.search.compile import Clauses, Compiler
from catalog.search.cursor import Place
from catalog.search.port import Request, Sort
from catalog.search.schema import DAY_SHIFT

Key = tuple[int, int]
FIRST_WINDOW_FACTOR = 32
WIDER = 16
DAYS_LIMIT = 400
# Lessons of one millisecond rarely share the upper half of their key; so many may.
SPARE = 8


class Pager:
    """Answers pages on one state of the index; safe to use from several threads."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self.compiler = Compiler(schema, searcher)
        self._searcher = searcher
        self._days = sorted(
            ((int(term[4:]), count) for term, count in searcher.terms_with_prefix("keys", "day:")),
            reverse=True,
        )

    def page(self, request: Request, after: Place | None, limit: int) -> list[Place]:
        """Give up to limit places behind `after`, in order."""
        base = self.compiler.clauses(request)
        if request.sort is Sort.RELEVANCE:
            return self._by_tier(request, base, after, limit)
        found = base.with_must(*self.compiler.found(request))
        if request.sort is Sort.NEWEST:
            keys = self._newest(found, after.key if after else None, limit)
            return [Place(0, key) for key in keys]
        field, falling = ("plays", True) if request.sort is Sort.PLAYS else ("name", False)
        return self._by_number(found, field, falling, after, limit)

    def _by_tier(
        self, request: Request, base: Clauses, after: Place | None, limit: int
    ) -> list[Place]:
        places: list[Place] = []
        before: list[tantivy.Query] = []
        for tier, must in enumerate(self.compiler.tiers(request)):
            if after is None or tier >= after.group:
                key = after.key if after and tier == after.group else None
                clauses = base.with_must(*must).without(*before)
                keys = self._newest(clauses, key, limit - len(places))
                places += [Place(tier, found) for found in keys]
                if len(places) >= limit:
                    break
            before.append(Clauses(must).query())
        return places

    def _by_number(
        self, base: Clauses, field: str, falling: bool, after: Place | None, limit: int
    ) -> list[Place]:
        places: list[Place] = []
        if after:
            places = self._same(base, field, after.group, after.key, limit)
            low, high = (None, after.group - 1) if falling else (after.group + 1, None)
            base = base.with_must(self.compiler.between(field, low, high))
        wanted = limit - len(places)
        if wanted <= 0:
            return places
        order = tantivy.Order.Desc if falling else tantivy.Order.Asc
        hits = self._searcher.search(
            base.query(), wanted, count=False, order_by_field=field, order=order
        ).hits
        for value, group in groupby(hits, key=lambda hit: int(hit[0])):
            # The last group may go on behind the hits, in another order: ask for it alone.
            rest = limit - len(places)
            if len(hits) == wanted and value == hits[-1][0]:
                return places + self._same(base, field, value, None, rest)
            places += sorted(
                (Place(value, key) for key in self._keys([address for _, address in group])),
                key=lambda place: place.key, reverse=True,
            )  # fmt: skip
        return places

    def _same(
        self, base: Clauses, field: str, value: int, before: Key | None, limit: int
    ) -> list[Place]:
        clauses = base.with_must(self.compiler.between(field, value, value))
        return [Place(value, key) for key in self._newest(clauses, before, limit)]

    def _newest(self, clauses: Clauses, before: Key | None, limit: int) -> list[Key]:
        if before:
            clauses = clauses.with_must(self.compiler.between("high", None, before[0]))
        wanted: int | None = limit * FIRST_WINDOW_FACTOR
        while True:
            days, held = self._window(before, wanted)
            narrowed = clauses.with_must(self.compiler.any_key(days)) if days else clauses
            hits = self._searcher.search(
                narrowed.query(), limit + SPARE, count=False, order_by_field="high"
            ).hits
            keys = sorted(self._keys([address for _, address in hits]), reverse=True)
            keys = [key for key in keys if before is None or key < before][:limit]
            if len(keys) == limit or not days:
                return keys
            # What is too rare for the next window to hold enough is cheap to read whole.
            wanted = held * WIDER if len(keys) * WIDER >= limit else None

    def _keys(self, addresses: list[tantivy.DocAddress]) -> list[Key]:
        high = self._searcher.fast_field_values("high", addresses)
        low = self._searcher.fast_field_values("low", addresses)
        return [(int(a), int(b)) for a, b in zip(high, low, strict=True)]

    def _window(self, before: Key | None, wanted: int | None) -> tuple[list[str], int]:
        """Give the newest days that hold so many lessons, and how many; no days mean all."""
        latest = before[0] >> DAY_SHIFT if before else None
        days: list[str] = []
        held = 0
        for day, count in self._days if wanted is not None else ():
            if latest is not None and day > latest:
                continue
            days.append(f"day:{day}")
            held += count
            if held >= wanted:
                return days, held
            if len(days) >= DAYS_LIMIT:
                break
        return [], 0
