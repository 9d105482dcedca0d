"""What may label a series: names of ours and ids whose number is bounded. Never a viewer, a lesson,
a person, an address or free text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prometheus_client import Metric

OURS = frozenset({
    "certificate", "check", "class", "delivery", "end", "event", "feed", "kind", "le", "method",
    "operation", "outcome", "reason", "role", "route", "rung", "side", "state", "status", "way",
    "why",
})  # fmt: skip
IDS = {"school": ("tongbu_qoe_", "tongbu_box_"), "session": ("tongbu_session_",)}
TARGET = frozenset({"job", "instance"})  # what Prometheus itself puts to every series
_GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
_SELECTED = re.compile(r"\{([^}]*)\}")
_SELECTOR = re.compile(r"([a-z_]+)(?:=~|!~|!=|=)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_SHOWN = re.compile(r"\{\{ ?(?:\$labels\.)?([a-z_]+) ?\}\}")
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_OF_A_FAMILY = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("", "_sum", "_count"),
}


def strangers(name: str, labels: Iterable[str]) -> set[str]:
    """Give the labels that a metric may not have."""
    return {
        label
        for label in labels
        if label not in OURS and not name.startswith(IDS.get(label, ("\n",)))
    }


def names_of(families: Iterable[Metric]) -> Iterator[str]:
    """Give the names that a query may ask for, of families with and without series."""
    for family in families:
        yield from (family.name + end for end in _OF_A_FAMILY[family.type])


def asked_in(expression: str) -> set[str]:
    """Give the names of ours in an expression; those with a colon are computed."""
    return {name for name in _NAME.findall(expression) if "tongbu_" in name}


def labels_asked(expression: str) -> set[str]:
    """Give the labels that an expression groups by or selects with."""
    bare = _QUOTED.sub("", expression)
    grouped = {one.strip() for found in _GROUPED.findall(bare) for one in found.split(",")}
    return grouped | {one for found in _SELECTED.findall(bare) for one in _SELECTOR.findall(found)}


def labels_shown(text: str) -> set[str]:
    """Give the labels that a legend or an alert's words fill in."""
    return set(_SHOWN.findall(text))


def labels_given(expression: str) -> set[str]:
    """Give the labels that a computed series has: what its expression groups by, without `le`."""
    return {one.strip() for one in _GROUPED.findall(expression)[0].split(",")} - {"le"}


def labels_by_name(families: Iterable[Metric]) -> dict[str, set[str]]:
    """Give the labels of each name that has series."""
    found: dict[str, set[str]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found
