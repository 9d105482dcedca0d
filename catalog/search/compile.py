"""Query trees, filters and rights as tantivy queries.

The order by relevance is a row of tiers, each asked on its own and none repeated by the next:
title equal to the query, every word in the title, every word in title or topic, every word
anywhere. Within a tier the newest come first. Scores of term statistics are not used: they shift
with every lesson that arrives, so pages would too, and a title is too short for them to tell much.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import tantivy
from tantivy import Query

from catalog.search.pinyin import cuts, letter_pairs, readable, syllable_pairs
from catalog.search.port import Request
from catalog.search.query import Beginning, Character, Letters, Node, Phrase, Run
from catalog.search.query import Query as Tree
from catalog.search.rights import Sight
from catalog.search.schema import exact_of
from catalog.search.tables import syllables

Must, Should, MustNot = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot
INITIALS_AT_LEAST = 2


@dataclass(frozen=True, slots=True)
class Clauses:
    """What must and what must not hold; an empty one holds for everything."""

    must: tuple[Query, ...] = ()
    never: tuple[Query, ...] = ()

    def with_must(self, *more: Query) -> Clauses:
        """Give these clauses and more that must hold."""
        return Clauses((*self.must, *more), self.never)

    def without(self, *more: Query) -> Clauses:
        """Give these clauses and more that must not hold."""
        return Clauses(self.must, (*self.never, *more))

    def query(self) -> Query:
        """Give them as one query."""
        if not self.never and len(self.must) == 1:
            return self.must[0]
        must = self.must or (Query.all_query(),)
        if not self.never and not self.must:
            return must[0]
        return Query.boolean_query(
            [*((Must, q) for q in must), *((MustNot, q) for q in self.never)]
        )


class Compiler:
    """Builds queries for one schema; `rare` tells whether a key is on no lesson at all."""

    def __init__(self, schema: tantivy.Schema, searcher: tantivy.Searcher) -> None:
        self._schema = schema
        self._searcher = searcher

    def clauses(self, request: Request, leave_out: Iterable[str] = ()) -> Clauses:
        """Give filters and rights, without the filters of the dimensions in leave_out."""
        skipped = set(leave_out)
        must = [self.any_key(f"{kind}:{value}" for value in values)
                for kind, values in request.filters if kind not in skipped]  # fmt: skip
        return self._sight(request.sight).with_must(*must)

    def found(self, request: Request) -> tuple[Query, ...]:
        """Give what every hit must match."""
        if request.in_title:
            return self._in_title(request.query)
        return tuple(self._anywhere(node) for node in request.query.words)

    def tiers(self, request: Request) -> list[tuple[Query, ...]]:
        """Give the tiers of relevance, best first; the last is everything that is found."""
        tree, found = request.query, self.found(request)
        if not tree.words:
            return [()]
        exact = Query.term_query(self._schema, "exact", exact_of(tree.whole), "basic")
        best = [(exact, *found), self._in_title(tree)]
        if request.in_title:
            return best
        return [*best, tuple(self._title_or_topic(node) for node in tree.words), found]

    def _in_title(self, tree: Tree) -> tuple[Query, ...]:
        return tuple(self._within(node, "title", "py", "ini") for node in tree.words)

    def key(self, key: str) -> Query:
        """Give the lessons with this key."""
        return Query.term_query(self._schema, "keys", key, "basic")

    def any_key(self, keys: Iterable[str]) -> Query:
        """Give the lessons with any of these keys."""
        return _any([self.key(key) for key in keys])

    def between(self, field: str, lowest: int | None, highest: int | None) -> Query:
        """Give the lessons whose number lies in this closed range."""
        return Query.range_query(self._schema, field, tantivy.FieldType.Integer, lowest, highest)

    def _sight(self, sight: Sight) -> Clauses:
        found = Clauses().without(*(self.key(mark) for mark in sight.never if self._used(mark)))
        mine = [self.key(word) for word in sight.words]
        if sight.unless and self._used(sight.unless):
            hidden = Clauses((self.key(sight.unless),), tuple(mine))
            found = found.without(hidden.query())
        if sight.only:
            found = found.with_must(_any(mine))
        if sight.states:
            found = found.with_must(self.any_key(f"state:{state}" for state in sight.states))
        return found

    def _used(self, key: str) -> bool:
        return bool(self._searcher.doc_freq("keys", key))

    def _anywhere(self, node: Node) -> Query:
        if isinstance(node, Character):
            return Query.term_query(self._schema, "one", node.character, "basic")
        if isinstance(node, Letters):
            return _any([*self._letters(node, "all", "py", "ini"),
                         *self._letters(node, "", "pya", "inia")])  # fmt: skip
        return self._within(node, "all", "", "")

    def _title_or_topic(self, node: Node) -> Query:
        return _any([self._within(node, "title", "py", "ini"),
                     self._within(node, "topic", "pya", "inia")])  # fmt: skip

    def _within(self, node: Node, field: str, pinyin: str, initials: str) -> Query:
        match node:
            case Run(pairs=row):
                return self._phrase(field, row)
            case Character(character=one):
                return self._prefix(field, (one,))
            case Beginning(text=text):
                return self._prefix(field, (text,))
            case Phrase(tokens=row, open=unfinished):
                return self._prefix(field, row) if unfinished else self._phrase(field, row)
            case Letters():
                return _any(self._letters(node, field, pinyin, initials))

    def _letters(self, node: Letters, field: str, pinyin: str, initials: str) -> list[Query]:
        rows = cuts(node.letters)
        found = [self._prefix(field, (node.letters,))] if field else []
        found += [self._syllables(pinyin, row) for row in rows]
        if len(node.letters) >= INITIALS_AT_LEAST and not any(map(readable, rows)):
            found.append(self._phrase(initials, letter_pairs(node.letters)))
        return found

    def _syllables(self, field: str, row: tuple[str, ...]) -> Query:
        pairs = syllable_pairs(row)
        if len(row) == 1:
            return self._prefix(field, pairs)
        joined = pairs[:-1]
        return (
            self._phrase(field, joined) if row[-1] in syllables() else self._prefix(field, joined)
        )

    def _phrase(self, field: str, row: Iterable[str]) -> Query:
        words = list(row)
        if len(words) == 1:
            return Query.term_query(self._schema, field, words[0], "basic")
        return Query.phrase_query(self._schema, field, words)

    def _prefix(self, field: str, row: Iterable[str]) -> Query:
        return Query.phrase_prefix_query(self._schema, field, list(row))


def _any(queries: list[Query]) -> Query:
    if not queries:
        return Query.empty_query()
    if len(queries) == 1:
        return queries[0]
    return Query.boolean_query([(Should, query) for query in queries])
