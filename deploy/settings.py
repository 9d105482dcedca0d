"""All options of Tongbu: one section a package, put together here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from catalog.store.settings import StoreSettings
from catalog.uploads.settings import UploadSettings
from deploy.config import default_data_dir, option
from deploy.edge_settings import EdgeSettings
from deploy.live_settings import LiveSettings
from deploy.logs import LogSettings
from deploy.settings_text import parse_listen as parse_listen


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where the service listens and keeps its things."""

    listen: str = option("127.0.0.1:8080", "Address and port; port 0 takes a free one")
    data: Path = option(default_data_dir(), "Directory of everything that is kept")
    workers: int = option(1, "Worker processes that `tongbu serve` runs beside itself")
    token_s: int = option(
        43_200, "How long a playback address of a lesson that is not public holds"
    )
    drain_s: float = option(20.0, "Longest wait for running requests and jobs when stopping")
    public_url: str = option("", "Address that browsers use, when a proxy stands in front")
    proxies: int = option(0, "Proxies of ours that stand in front and add X-Forwarded-For")

    def __post_init__(self) -> None:
        if not 0 <= self.workers <= 64:
            raise ValueError(f"workers must be 0 to 64, not {self.workers}")
        if not 0 <= self.proxies <= 10:
            raise ValueError(f"proxies must be 0 to 10, not {self.proxies}")
        if not 0 <= self.drain_s <= 3600:
            raise ValueError(f"drain_s must be 0 to 3600, not {self.drain_s:g}")
        parse_listen(self.listen)


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the catalogue is kept."""

    url: str = option("", "PostgreSQL 16 or newer; empty runs an embedded one", secret=True)
    pool: int = option(12, "Connections that one process may hold")

    def __post_init__(self) -> None:
        if not 2 <= self.pool <= 200:
            raise ValueError(f"pool must be 2 to 200, not {self.pool}")


@dataclass(frozen=True, slots=True)
class AdminSettings:
    """The first administrator."""

    password: str = option("", "Password of `admin` at the first start; empty makes one",
                           secret=True)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TranscodeSettings:
    """What a worker process may use."""

    prepare_slots: int = option(2, "Sources that one worker looks at at a time")
    fresh_slots: int = option(2, "Parts of fresh uploads that one worker encodes at a time")
    backlog_slots: int = option(2, "Parts of imported lessons that one worker encodes at a time")
    late_slots: int = option(1, "Parts that can wait (AV1) that one worker encodes at a time")
    cache_gib: int = option(20, "Room for sources fetched from S3")
    listen: str = option("127.0.0.1:8081", "Health and metrics of `tongbu worker`; empty: none")

    def __post_init__(self) -> None:
        for name in ("prepare_slots", "fresh_slots", "backlog_slots", "late_slots"):
            if not 0 <= getattr(self, name) <= 64:
                raise ValueError(f"{name} must be 0 to 64, not {getattr(self, name)}")
        if self.cache_gib < 1:
            raise ValueError(f"cache_gib must be 1 or more, not {self.cache_gib}")
        if self.listen:
            parse_listen(self.listen)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every section."""

    server: ServerSettings
    database: DatabaseSettings
    admin: AdminSettings
    store: StoreSettings
    upload: UploadSettings
    transcode: TranscodeSettings
    live: LiveSettings
    edge: EdgeSettings
    log: LogSettings
