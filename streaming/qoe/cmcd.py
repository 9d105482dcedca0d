"""What a player says of itself with its requests: CMCD from headers, a query or JSON. Pure.

Strict: what is not as the standard has it is refused whole. Keys of others (they have a hyphen) are
passed over; keys that are neither are refused.

Spec: CTA-5004 (CMCD version 1), 2.2 (headers), 2.3 (query), 3 (keys); RFC 8941 3.2 (the form).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from catalog.errors import Invalid

TEXT_LIMIT_CHARS = 2048
KEYS_LIMIT = 40
HEADERS = ("cmcd-object", "cmcd-request", "cmcd-session", "cmcd-status")
QUERY = "CMCD"
RATE_LIMIT_KBPS = 1_000_000
TIME_LIMIT_MS = 86_400_000

Rate = Annotated[int, Meta(ge=0, le=RATE_LIMIT_KBPS)]
Time = Annotated[int, Meta(ge=0, le=TIME_LIMIT_MS)]
Name = Annotated[str, Meta(pattern=r"\A[ -~]{1,64}\Z")]
Path = Annotated[str, Meta(pattern=r"\A[ -~]{1,1024}\Z")]


class Cmcd(msgspec.Struct, frozen=True, omit_defaults=True):
    """The keys of CMCD version 1 by their own names; rates in kbit/s, times in ms."""

    br: Rate | None = None
    bl: Time | None = None
    bs: bool = False
    cid: Name | None = None
    d: Time | None = None
    dl: Time | None = None
    mtp: Rate | None = None
    nor: Path | None = None
    nrr: Path | None = None
    ot: Literal["m", "a", "v", "av", "i", "c", "tt", "k", "o"] | None = None
    pr: Annotated[float, Meta(ge=0, le=16)] | None = None
    rtp: Rate | None = None
    sf: Literal["d", "h", "s", "o"] | None = None
    sid: Name | None = None
    st: Literal["v", "l"] | None = None
    su: bool = False
    tb: Rate | None = None
    v: Literal[1] = 1


_KEYS = frozenset(Cmcd.__struct_fields__)
_QUOTED = frozenset({"cid", "nor", "nrr", "sid"})
_PAIR = re.compile(
    r" ?([a-z][a-z0-9.-]{0,63}|[A-Za-z0-9.]{1,40}-[A-Za-z0-9.-]{1,40})"
    r'(?:=(?:"((?:[ !#-\[\]-~]|\\["\\]){0,1024}+)"|([A-Za-z0-9.:_/-]{1,64})))?(,|\Z)'
)
_ESCAPED = re.compile(r'\\(["\\])')


def read_headers(headers: Mapping[str, str]) -> Cmcd | None:
    """Give what the four headers say, names in lower case; None when there are none.

    Raises: Invalid.
    """
    texts = [text for name in HEADERS if (text := headers.get(name))]
    return read_cmcd(",".join(texts)) if texts else None


def read_cmcd(text: str) -> Cmcd:
    """Give what a list of keys says; of a key that comes twice, the last. Raises: Invalid."""
    if len(text) > TEXT_LIMIT_CHARS:
        raise Invalid(f"CMCD is longer than {TEXT_LIMIT_CHARS} characters")
    found: dict[str, object] = {}
    at = 0
    for _ in range(KEYS_LIMIT):
        pair = _PAIR.match(text, at)
        if pair is None:
            raise Invalid(f"CMCD is not keys with values from character {at} on")
        key, quoted, plain, more = pair.groups()
        if key in _KEYS and (key in _QUOTED) is (quoted is None):
            raise Invalid(f"CMCD: {key} is {'a' if key in _QUOTED else 'no'} quoted text")
        found[key] = _value(quoted, plain)
        at = pair.end()
        if not more:
            return _checked(found)
    raise Invalid(f"CMCD has more than {KEYS_LIMIT} keys")


def _value(quoted: str | None, plain: str | None) -> object:
    if quoted is not None:
        return _ESCAPED.sub(r"\1", quoted)
    if plain is None:
        return True
    return _number(plain)


def _number(plain: str) -> object:
    if re.fullmatch(r"-?[0-9]{1,15}", plain, re.ASCII):
        return int(plain)
    if re.fullmatch(r"-?[0-9]{1,12}\.[0-9]{1,3}", plain, re.ASCII):
        return float(plain)
    return {"true": True, "false": False}.get(plain, plain)


def _checked(found: Mapping[str, object]) -> Cmcd:
    strange = next((key for key in found if key not in _KEYS and "-" not in key), None)
    if strange is not None:
        raise Invalid(f"CMCD has no key {strange}: keys of others have a hyphen")
    try:
        return msgspec.convert({key: found[key] for key in found if key in _KEYS}, Cmcd)
    except msgspec.ValidationError as error:
        raise Invalid(f"CMCD: {error}") from error
