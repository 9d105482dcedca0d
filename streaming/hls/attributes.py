"""Attribute lists of playlist tags, read strictly.

Spec: RFC 8216bis 4.2.
"""

from __future__ import annotations

import re

from streaming.errors import BadPlaylist

ATTRIBUTES_LIMIT = 64
_PAIR = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|[^",\s]+)(,|$)')
_DECIMAL = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


class Attributes:
    """The attributes of one tag; each is asked for by name and form. Raises: BadPlaylist."""

    def __init__(self, text: str) -> None:
        self._values: dict[str, str] = {}
        at = 0
        while at < len(text) or text.endswith(","):
            found = _PAIR.match(text, at)
            if found is None or len(self._values) == ATTRIBUTES_LIMIT:
                raise BadPlaylist(f"not an attribute list: {text[:80]!r}")
            if found[1] in self._values:
                raise BadPlaylist(f"attribute {found[1]} twice")
            self._values[found[1]] = found[2]
            at = found.end()
            if found[3] == "":
                break

    def text(self, name: str, default: str | None = None) -> str:
        """Give a quoted string without its quotes."""
        value = self._get(name, None if default is None else f'"{default}"')
        if not value.startswith('"'):
            raise BadPlaylist(f"attribute {name} is not a quoted string")
        return value[1:-1]

    def word(self, name: str, default: str | None = None) -> str:
        """Give an enumerated string."""
        value = self._get(name, default)
        if value.startswith('"'):
            raise BadPlaylist(f"attribute {name} is a quoted string")
        return value

    def number(self, name: str) -> int:
        """Give a decimal integer."""
        return whole(self.word(name))

    def micros(self, name: str) -> int:
        """Give seconds as microseconds."""
        return scaled(self.word(name), 6)

    def flag(self, name: str) -> bool:
        """Tell whether it says YES; NO and absence are the same."""
        value = self.word(name, "NO")
        if value not in ("YES", "NO"):
            raise BadPlaylist(f"attribute {name} is neither YES nor NO")
        return value == "YES"

    def has(self, name: str) -> bool:
        """Tell whether it is there."""
        return name in self._values

    def _get(self, name: str, default: str | None) -> str:
        value = self._values.get(name, default)
        if value is None:
            raise BadPlaylist(f"attribute {name} is missing")
        return value


def whole(text: str) -> int:
    """Read a decimal integer. Raises: BadPlaylist."""
    if not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise BadPlaylist(f"not a number: {text[:40]!r}")
    return int(text)


def scaled(text: str, decimals: int) -> int:
    """Read a decimal number as a whole number of 10^-decimals, rounded. Raises: BadPlaylist."""
    if _DECIMAL.fullmatch(text) is None:
        raise BadPlaylist(f"not a decimal number: {text[:40]!r}")
    head, _, tail = text.partition(".")
    digits = f"{head}{tail}".ljust(len(head) + decimals + 1, "0")
    return (int(digits[: len(head) + decimals + 1]) + 5) // 10


def keep_once(once: dict[str, str], name: str, value: str) -> None:
    """Keep a tag's value. Raises: BadPlaylist when it was there before."""
    if name in once:
        raise BadPlaylist(f"{name} twice")
    once[name] = value
