"""What players say of themselves with requests for media: heard on the way, whoever answers.

Meant for players that send CMCD and no reports. Its figures stand beside those of the reports and
are never added to them, because our own players do both.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from prometheus_client import CollectorRegistry, Counter

from catalog.errors import Invalid
from streaming.qoe.cmcd import QUERY, Cmcd, read_cmcd, read_headers
from streaming.qoe.metrics import LABELS

PIECE_LIMIT_MS = 60_000
QUERY_LIMIT_FIELDS = 16
OTHER = "other"
_MARK = f"{QUERY}="


class Overheard:
    """Counts for one school, or the city."""

    def __init__(self, registry: CollectorRegistry, school: str) -> None:
        self._school = school
        self._requests = Counter(
            "tongbu_qoe_cmcd_requests_total", "Requests for media that came with CMCD",
            LABELS, registry=registry,
        )  # fmt: skip
        self._starved = Counter(
            "tongbu_qoe_cmcd_starved_total", "Of these, after the player's buffer had run dry",
            LABELS, registry=registry,
        )  # fmt: skip
        self._seconds = Counter(
            "tongbu_qoe_cmcd_media_seconds_total", "Length of the pictures asked for",
            LABELS, registry=registry,
        )  # fmt: skip
        self._bits = Counter(
            "tongbu_qoe_cmcd_media_bits_total", "Bits of the pictures asked for, as encoded",
            LABELS, registry=registry,
        )  # fmt: skip
        self._refused = Counter(
            "tongbu_qoe_cmcd_refused_total", "Requests whose CMCD is none", registry=registry
        )

    def hear(self, target: str, fields: Mapping[str, str]) -> None:
        """Count what a request says, its field names in lower case; most say nothing."""
        by_query = _MARK in target
        if not by_query and "cmcd-object" not in fields and "cmcd-status" not in fields:
            return
        try:
            said = _in_query(target) if by_query else read_headers(fields)
        except Invalid:
            self._refused.inc()
            return
        if said is not None:
            self._count(said)

    def _count(self, said: Cmcd) -> None:
        labels = (self._school, delivery_of(said))
        self._requests.labels(*labels).inc()
        if said.bs:
            self._starved.labels(*labels).inc()
        if said.ot not in ("v", "av") or said.br is None or said.d is None:
            return
        if said.d <= PIECE_LIMIT_MS:
            self._seconds.labels(*labels).inc(said.d / 1000)
            self._bits.labels(*labels).inc(said.d * said.br)


def delivery_of(said: Cmcd) -> str:
    """Give the delivery that a player says it has."""
    if said.sf == "h":
        return "ll-hls" if said.st == "l" else "hls"
    return "dash" if said.sf == "d" else OTHER


def _in_query(target: str) -> Cmcd | None:
    try:
        pairs = parse_qsl(target.partition("?")[2], max_num_fields=QUERY_LIMIT_FIELDS)
    except ValueError as error:
        raise Invalid("the query has too many fields") from error
    return next((read_cmcd(value) for name, value in pairs if name == QUERY), None)
