"""Facet counts. Stage, grade, subject and edition are one column of cells, counted in one pass.

A facet's counts leave its own filter out. For the four of a cell that is free: cells are counted
without their filters and added up afterwards. Series and school are counted together while neither
is filtered by, else each for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import tantivy

from catalog.search.compile import Compiler
from catalog.search.port import Counts, Request
from catalog.search.schema import CELL_MARK, CELL_PARTS

CELLS_LIMIT = 20_000
VALUES_LIMIT = 100
_Buckets = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Part:
    """Columns counted in one pass, without the filters named; `same` tells equal questions."""

    columns: tuple[str, ...]
    left_out: tuple[str, ...]
    same: object
    count: Callable[[], _Buckets]


class Counter:
    """Counts on one state of the index; safe to use from several threads."""

    def __init__(self, compiler: Compiler, searcher: tantivy.Searcher) -> None:
        self._compiler = compiler
        self._searcher = searcher

    def parts(self, request: Request) -> list[Part]:
        """Divide a request's counts into passes that can run side by side."""
        filtered = {kind for kind, _ in request.filters}
        wanted: list[tuple[tuple[str, ...], tuple[str, ...]]] = [(("cell",), CELL_PARTS)]
        if filtered & {"series", "school"}:
            wanted += [(("series",), ("series",)), (("school",), ("school",))]
        else:
            wanted.append((("series", "school"), ()))
        return [self._part(request, columns, left_out) for columns, left_out in wanted]

    def together(
        self, request: Request, parts: Sequence[Part], answers: Sequence[_Buckets]
    ) -> Counts:
        """Put the passes' answers together."""
        found = {name: buckets for answer in answers for name, buckets in answer.items()}
        cells = {tuple(cell.split(CELL_MARK)): n for cell, n in found["cell"].items()}
        chosen = [set(dict(request.filters).get(part, ())) for part in CELL_PARTS]
        total = sum(n for cell, n in cells.items() if _fits(cell, chosen, None))
        facets = {
            part: _ranked(_added(cells, chosen, place)) for place, part in enumerate(CELL_PARTS)
        }
        facets["series"] = _ranked(found["series"])
        facets["school"] = _ranked(found["school"])
        return Counts(total, facets)

    def _part(self, request: Request, columns: tuple[str, ...], left_out: tuple[str, ...]) -> Part:
        kept = tuple(item for item in request.filters if item[0] not in left_out)
        same = (columns, request.query.words, request.in_title, kept, request.sight)

        def count() -> _Buckets:
            clauses = self._compiler.clauses(request, left_out)
            query = clauses.with_must(*self._compiler.found(request)).query()
            sizes = {"cell": CELLS_LIMIT}
            asked = {
                name: {"terms": {"field": name, "size": sizes.get(name, VALUES_LIMIT)}}
                for name in columns
            }
            answer = self._searcher.aggregate(query, asked)
            return {
                name: {b["key"]: b["doc_count"] for b in answer[name]["buckets"]}
                for name in columns
            }

        return Part(columns, left_out, same, count)


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
