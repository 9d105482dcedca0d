"""Options of the box in a school."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deploy.config import option
from deploy.settings_text import parse_listen

_RATE = re.compile(r"(\d+(?:\.\d+)?)([kKmMgG]?)")
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
LINE_LIMIT_BPS = 100_000_000_000


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """The section [edge]."""

    origin: str = option("", "Address of the city's service, such as https://tongbu.example")
    https: str = option(
        "", "Where the school's LAN is served by HTTPS too, such as 0.0.0.0:8443; needs the city's"
        " authority (`tongbu edges ca`)"
    )  # fmt: skip
    line: str = option("", "Most that media may use of the line, such as 8M; empty: as measured")
    reserve: str = option("", "Of what is measured, left to the school's other traffic, such as 2M")
    cache_gib: float = option(50.0, "Room for lessons on this machine's disk")
    night: str = option("22:00-06:00", "When lessons of the next days are fetched; empty: never")
    night_gib: float = option(10.0, "Most that one night may fetch")

    def __post_init__(self) -> None:
        if self.origin and not re.fullmatch(r"https?://[^\s/?#]+/?", self.origin):
            raise ValueError(f"origin must be like https://tongbu.example, not {self.origin!r}")
        if self.https:
            parse_listen(self.https)
        for name in ("line", "reserve"):
            parse_rate(getattr(self, name))
        if not 0.1 <= self.cache_gib <= 100_000:
            raise ValueError(f"cache_gib must be 0.1 to 100000, not {self.cache_gib:g}")
        if not 0 <= self.night_gib <= 100_000:
            raise ValueError(f"night_gib must be 0 to 100000, not {self.night_gib:g}")
        parse_hours(self.night)

    @property
    def line_bps(self) -> int | None:
        """The ceiling; None: as measured."""
        return parse_rate(self.line) if self.line else None

    @property
    def night_minutes(self) -> tuple[int, int] | None:
        """The night's hours as minutes of the day; None: never."""
        return parse_hours(self.night)

    @property
    def reserve_bps(self) -> int:
        """What is left to others."""
        return parse_rate(self.reserve)


def parse_rate(text: str) -> int:
    """Read bits a second such as 8M or 800k; empty is 0. Raises: ValueError."""
    if not text:
        return 0
    found = _RATE.fullmatch(text.strip())
    rate = round(float(found[1]) * _FACTORS[found[2].lower()]) if found else 0
    if not 0 < rate <= LINE_LIMIT_BPS:
        raise ValueError(f"a line is given in bits a second, such as 8M or 800k, not {text!r}")
    return rate


def parse_hours(text: str) -> tuple[int, int] | None:
    """Read hours such as 22:00-06:00 as minutes of the day; None when empty. Raises: ValueError."""
    if not text:
        return None
    found = re.fullmatch(r"(\d\d):(\d\d)-(\d\d):(\d\d)", text.strip())
    numbers = [int(part) for part in found.groups()] if found else [24]
    if any(number > most for number, most in zip(numbers, (23, 59, 23, 59), strict=False)):
        raise ValueError(f"hours are given as 22:00-06:00, not {text!r}")
    return numbers[0] * 60 + numbers[1], numbers[2] * 60 + numbers[3]
