"""Read what ffmpeg says of its progress (`-progress pipe:1`). Pure: bytes in, blocks out.

One block of key=value lines ends with `progress=continue` or `progress=end` and covers all outputs
together: frame and out_time are those of the furthest one.
"""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_LINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Progress:
    """One report. out_time_s counts from the start of this run, not of the lesson."""

    frame: int
    out_time_s: float
    speed: float | None
    done: bool


class ProgressReader:
    """Collects bytes until a block is whole."""

    __slots__ = ("_fields", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, str] = {}

    def feed(self, data: bytes) -> list[Progress]:
        """Take bytes as they come; give the blocks that are complete now."""
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest if len(rest) <= LONGEST_LINE_BYTES else b""
        found: list[Progress] = []
        for line in lines:
            key, _, value = line.decode("ascii", "replace").strip().partition("=")
            if key == "progress":
                found.append(self._block(done=value == "end"))
                self._fields = {}
            elif key:
                self._fields[key] = value.strip()
        return found

    def _block(self, *, done: bool) -> Progress:
        micros = _number(self._fields.get("out_time_us", ""))
        return Progress(
            frame=int(_number(self._fields.get("frame", "")) or 0),
            out_time_s=max(0.0, (micros or 0.0) / 1e6),
            speed=_number(self._fields.get("speed", "").removesuffix("x")),
            done=done,
        )


def _number(text: str) -> float | None:
    """Read a number; ffmpeg writes N/A before the first packet."""
    try:
        return float(text)
    except ValueError:
        return None
