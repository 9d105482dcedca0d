"""What text from outside may be: normalised, bounded, free of characters that hide or break. Pure.

Every field that a person types passes here before it is kept. SQL and HTML need no care: parameters
are bound and pages escape, so both are kept as the plain words they are.

Spec: Unicode UAX #15 (NFC), UAX #9 (directional overrides are refused: they make text lie).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from catalog.errors import Invalid

NAME_LIMIT_CHARS = 100
PROSE_LIMIT_CHARS = 4000
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})


def line(text: str, field: str, limit_chars: int = NAME_LIMIT_CHARS, empty: bool = False) -> str:
    """Give text as one trimmed line in NFC. Raises: Invalid, naming the field."""
    kept = _within(text, field, limit_chars)
    if not is_plain(kept):
        raise _refused(field, "has control characters or line breaks: take them out")
    if not kept and not empty:
        raise _refused(field, "is empty: give it a text")
    return kept


def prose(text: str, field: str, limit_chars: int = PROSE_LIMIT_CHARS) -> str:
    """Give text of several lines, trimmed, in NFC; may be empty. Raises: Invalid."""
    kept = _within(text, field, limit_chars).replace("\r\n", "\n")
    if not is_plain(kept, allowed="\n\t"):
        raise _refused(field, "has control characters: take them out")
    return kept


def is_plain(text: str, allowed: Iterable[str] = ()) -> bool:
    """Tell whether text has no control, surrogate, line-breaking or direction-forcing character."""
    return not any(
        (unicodedata.category(char) in _REFUSED or char in _OVERRIDES) and char not in allowed
        for char in text
    )


def _within(text: str, field: str, limit_chars: int) -> str:
    # Composing a hostile text costs far more than measuring it, so the length comes first.
    if len(text) <= 4 * limit_chars:
        text = unicodedata.normalize("NFC", text).strip()
    if len(text) > limit_chars:
        raise _refused(field, f"is longer than {limit_chars} characters: shorten it")
    return text


def _refused(field: str, what: str) -> Invalid:
    return Invalid(f"{field} {what}", {field: what})
