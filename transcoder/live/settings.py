"""Options of live ingest."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """Where publishers come in, and how patient the service is with them.

    A publisher that drops finds its ffmpeg running for away_s; who returns later gets a new one.
    After silent_s without a tag another with the same key may take over; after idle_s the
    connection is closed. encode_cores 0: three quarters of the machine's. rtmp_port 0 takes a free
    port. srt_host: where SRT encoders come in, empty for `host`, where those of RTMP do.
    """

    ffmpeg: Path
    host: str = "0.0.0.0"  # noqa: S104 (publishers come from other machines)
    rtmp_port: int = 1935
    away_s: float = 30.0
    silent_s: float = 5.0
    idle_s: float = 8.0
    greeting_s: float = 10.0
    encode_cores: float = 0.0
    srt_host: str = ""
    srt_ports: tuple[int, int] = (0, 0)
    rtsp_hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 < self.silent_s <= self.idle_s:
            raise ValueError("silent_s must be more than 0 and at most idle_s")
        if self.away_s < 0:
            raise ValueError("away_s must not be negative")
