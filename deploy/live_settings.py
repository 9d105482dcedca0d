"""Options of live lessons: where encoders come in, and how much encoding the machine takes on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.config import option
from deploy.settings_text import parse_listen, parse_ports
from transcoder.live.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """The section [live]."""

    rtmp: str = option(
        "127.0.0.1:1935", "Where RTMP encoders (OBS, recording hosts) come in; empty: nowhere"
    )
    rtmp_public_port: int = option(0, "RTMP port that encoders use, when it is another outside")
    srt_host: str = option("", "Address where SRT encoders come in; empty: the one of RTMP")
    srt_ports: str = option("", "Ports for SRT encoders such as 10080-10089; empty: no SRT")
    rtsp_hosts: str = option("", "Hosts whose cameras may be pulled by RTSP, with commas between")
    encode_cores: float = option(0.0, "Cores for live encoding; 0: three quarters of the machine")
    away_s: float = option(30.0, "How long CPU is kept for an encoder that dropped")

    def __post_init__(self) -> None:
        if self.rtmp:
            parse_listen(self.rtmp)
        if self.srt_host.startswith("[") or not self.srt_host.isascii() or " " in self.srt_host:
            raise ValueError(f"srt_host must be an address such as 0.0.0.0, not {self.srt_host!r}")
        if self.srt_ports:
            parse_ports(self.srt_ports)
        if not 0 <= self.encode_cores <= 1024:
            raise ValueError(f"encode_cores must be 0 to 1024, not {self.encode_cores:g}")
        if not 5 <= self.away_s <= 3600:
            raise ValueError(f"away_s must be 5 to 3600, not {self.away_s:g}")

    def ingest(self, ffmpeg: Path) -> IngestSettings:
        """Give them as the ingest knows them."""
        host, port = parse_listen(self.rtmp) if self.rtmp else ("127.0.0.1", 0)
        hosts = tuple(item.strip().lower() for item in self.rtsp_hosts.split(",") if item.strip())
        return IngestSettings(
            ffmpeg=ffmpeg, host=host, rtmp_port=port, away_s=self.away_s,
            encode_cores=self.encode_cores, rtsp_hosts=hosts, srt_host=self.srt_host,
            srt_ports=parse_ports(self.srt_ports) if self.srt_ports else (0, 0),
        )  # fmt: skip
