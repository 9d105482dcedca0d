"""AMF0 values of RTMP commands. Pure: bytes in, Python values out, and back.

Objects and ECMA arrays become dicts, null and undefined None, numbers floats. References, typed
objects and XML are no part of any publisher's commands and are refused. Depth and number of values
are limited, so that a small message cannot become a large structure.

Spec: Adobe AMF0 (2007) 2.1 to 2.18.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import pack, unpack_from
from typing import Any, ClassVar

from transcoder.live.errors import BadContribution

DEPTH_LIMIT = 8
VALUES_LIMIT = 512
_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL, _UNDEFINED = 0, 1, 2, 3, 5, 6
_ECMA_ARRAY, _OBJECT_END, _STRICT_ARRAY, _DATE, _LONG_STRING = 8, 9, 10, 11, 12


def read_values(data: bytes) -> list[Any]:
    """Read all values of a message. Raises: BadContribution."""
    reader = _Reader(data)
    found: list[Any] = []
    while not reader.at_end:
        found.append(reader.value())
    return found


def write_values(*values: Any) -> bytes:
    """Write values one behind the other: None, bool, number, str, mapping."""
    return b"".join(_written(value) for value in values)


class _Reader:
    """Walks one message."""

    __slots__ = ("_at", "_data", "_depth", "_values")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = self._depth = self._values = 0

    @property
    def at_end(self) -> bool:
        return self._at >= len(self._data)

    def value(self) -> Any:
        self._values += 1
        if self._values > VALUES_LIMIT:
            raise BadContribution(f"more than {VALUES_LIMIT} values in one AMF message")
        read = self._READ.get(self._take(1)[0])
        if read is None:
            raise BadContribution("an AMF value of a kind that no publisher sends")
        if self._depth >= DEPTH_LIMIT:
            raise BadContribution(f"AMF values more than {DEPTH_LIMIT} deep")
        self._depth += 1
        found = read(self)
        self._depth -= 1
        return found

    def _take(self, count: int) -> bytes:
        end = self._at + count
        if end > len(self._data):
            raise BadContribution("an AMF value ends too early")
        taken, self._at = self._data[self._at : end], end
        return taken

    def _number(self) -> float:
        return float(unpack_from(">d", self._take(8))[0])

    def _boolean(self) -> bool:
        return self._take(1) != b"\0"

    def _string(self) -> str:
        return self._take(int.from_bytes(self._take(2), "big")).decode("utf-8", "replace")

    def _long_string(self) -> str:
        return self._take(int.from_bytes(self._take(4), "big")).decode("utf-8", "replace")

    def _nothing(self) -> None:
        return None

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while True:
            name = self._string()
            if not name and self._data[self._at : self._at + 1] == bytes([_OBJECT_END]):
                self._at += 1
                return found
            found[name] = self.value()

    def _ecma_array(self) -> dict[str, Any]:
        self._take(4)
        return self._object()

    def _strict_array(self) -> list[Any]:
        count = int.from_bytes(self._take(4), "big")
        if count > VALUES_LIMIT:
            raise BadContribution(f"an AMF array of {count} values")
        return [self.value() for _ in range(count)]

    def _date(self) -> float:
        moment = self._number()
        self._take(2)
        return moment

    _READ: ClassVar = {
        _NUMBER: _number,
        _BOOLEAN: _boolean,
        _STRING: _string,
        _OBJECT: _object,
        _NULL: _nothing,
        _UNDEFINED: _nothing,
        _ECMA_ARRAY: _ecma_array,
        _STRICT_ARRAY: _strict_array,
        _DATE: _date,
        _LONG_STRING: _long_string,
    }


def _written(value: Any) -> bytes:
    if value is None:
        return bytes([_NULL])
    if isinstance(value, bool):
        return bytes([_BOOLEAN, value])
    if isinstance(value, int | float):
        return pack(">Bd", _NUMBER, value)
    if isinstance(value, str):
        return _written_string(value)
    if isinstance(value, Mapping):
        inside = b"".join(_name(name) + _written(one) for name, one in value.items())
        return bytes([_OBJECT]) + inside + b"\0\0" + bytes([_OBJECT_END])
    raise TypeError(f"no AMF0 for {type(value).__name__}")


def _name(text: str) -> bytes:
    encoded = text.encode()
    return pack(">H", len(encoded)) + encoded


def _written_string(text: str) -> bytes:
    encoded = text.encode()
    if len(encoded) < 1 << 16:
        return pack(">BH", _STRING, len(encoded)) + encoded
    return pack(">BI", _LONG_STRING, len(encoded)) + encoded
