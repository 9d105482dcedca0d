"""Facet counts, each without its own filter, so that another value can be chosen.

Stage and grade share a column, and subject and edition: a column is counted without the filters of
its facets, which are applied to its values afterwards. Columns that no filter touches are counted
in one pass, for plain words, which cost nothing to find, in two side by side; each other alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import tantivy

from catalog.search.compile import Compiler
from catalog.search.port import Counts, Request
from catalog.search.query import Run
from catalog.search.schema import COLUMNS, MARK

VALUES_LIMIT = 100
# Of each segment so many values are looked up; beyond, the rarest schools may be counted too low.
SEGMENT_VALUES_LIMIT = 400
PAIRS_LIMIT = 1000
SIDE_BY_SIDE = (("level", "matter"), ("series", "school"))
Buckets = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """Columns counted in one pass; `same` is equal for passes with the same answer."""

    same: object
    count: Callable[[], Buckets]


class Counter:
    """Counts on one state of the index; safe to use from several threads."""

    def __init__(self, compiler: Compiler, searcher: tantivy.Searcher) -> None:
        self._compiler = compiler
        self._searcher = searcher

    def parts(self, request: Request) -> list[Part]:
        """Divide a request's counts into passes that can run side by side."""
        filtered = {kind for kind, _ in request.filters}
        alone = [name for name, kinds in COLUMNS.items() if filtered & set(kinds)]
        simple = all(isinstance(w, Run) and len(w.pairs) == 1 for w in request.query.words)
        together = SIDE_BY_SIDE if simple else (tuple(COLUMNS),)
        groups = [tuple(name for name in group if name not in alone) for group in together]
        return [
            self._part(request, columns) for columns in (*groups, *((n,) for n in alone)) if columns
        ]

    def together(self, request: Request, answers: Sequence[Buckets]) -> Counts:
        """Put the passes' answers together."""
        filters = dict(request.filters)
        facets: dict[str, list[tuple[str, int]]] = {}
        total = 0
        for name, buckets in ((n, b) for answer in answers for n, b in answer.items()):
            kinds = COLUMNS[name]
            chosen = [set(filters.get(kind, ())) for kind in kinds]
            cells = {tuple(value.split(MARK)): n for value, n in buckets.items()}
            for place, kind in enumerate(kinds):
                facets[kind] = _ranked(_added(cells, chosen, place))
            if name == "level":
                total = sum(n for cell, n in cells.items() if _fits(cell, chosen, None))
        return Counts(total, facets)

    def _part(self, request: Request, columns: tuple[str, ...]) -> Part:
        left_out = {kind for name in columns for kind in COLUMNS[name]}
        kept = tuple(item for item in request.filters if item[0] not in left_out)
        same = (columns, request.query.words, request.in_title, kept, request.sight)

        def count() -> Buckets:
            clauses = self._compiler.clauses(request, left_out)
            query = clauses.with_must(*self._compiler.found(request)).query()
            asked = {name: {"terms": {"field": name, **_sizes(name)}} for name in columns}
            answer = self._searcher.aggregate(query, asked)
            return {
                name: {b["key"]: b["doc_count"] for b in answer[name]["buckets"]}
                for name in columns
            }

        return Part(same, count)


def _sizes(column: str) -> dict[str, int]:
    if len(COLUMNS[column]) > 1:
        return {"size": PAIRS_LIMIT}
    return {"size": VALUES_LIMIT, "segment_size": SEGMENT_VALUES_LIMIT}


def _fits(cell: tuple[str, ...], chosen: list[set[str]], free: int | None) -> bool:
    return all(
        place == free or not values or cell[place] in values for place, values in enumerate(chosen)
    )


def _added(
    cells: Mapping[tuple[str, ...], int], chosen: list[set[str]], place: int
) -> dict[str, int]:
    added: dict[str, int] = {}
    for cell, n in cells.items():
        if _fits(cell, chosen, place):
            added[cell[place]] = added.get(cell[place], 0) + n
    return added


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    known = [(value, n) for value, n in counts.items() if value]
    return sorted(known, key=lambda item: (-item[1], item[0]))[:VALUES_LIMIT]
