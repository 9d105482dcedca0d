"""Completions from the words of the catalogue: tags, knowledge points, teachers, series.

Only words of lessons that everyone may see (or, for those signed in, everyone in the city) are
indexed for it. A word lives on in the index until its last lesson's segment is merged away, so each
is checked to be still in use.
"""

from __future__ import annotations

import tantivy

from catalog.search.port import Hint
from catalog.search.query import whole
from catalog.search.schema import MARK
from catalog.search.text import fold

TYPED_LIMIT_CHARS = 60
_SEEN_FACTOR = 6


def complete(
    schema: tantivy.Schema, searcher: tantivy.Searcher, typed: str, city: bool, limit: int
) -> list[Hint]:
    """Give the most used words that begin with what was typed, in Han, pinyin or first letters."""
    begin = whole(fold(typed[:TYPED_LIMIT_CHARS]))
    if not begin:
        return []
    counted: dict[Hint, int] = {}
    for field in ("hint", "cityhint") if city else ("hint",):
        for term, count in searcher.terms_with_prefix(field, begin, limit=limit * _SEEN_FACTOR):
            if _in_use(schema, searcher, field, term):
                _, kind, text = term.split(MARK)
                hint = Hint(text, kind)
                counted[hint] = counted.get(hint, 0) + count
    return sorted(counted, key=lambda hint: (-counted[hint], hint.text))[:limit]


def _in_use(schema: tantivy.Schema, searcher: tantivy.Searcher, field: str, term: str) -> bool:
    query = tantivy.Query.term_query(schema, field, term, "basic")
    return bool(searcher.search(query, 1, count=False).hits)
