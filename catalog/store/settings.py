"""Options of the object store, and the one place that turns them into a store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.store.local import LocalSettings, LocalStore
from catalog.store.port import ObjectStore
from catalog.store.s3 import S3Settings, s3_store

MIB = 1 << 20


def _option(default: Any, help: str, secret: bool = False) -> Any:
    return field(default=default, metadata={"help": help, "secret": secret}, repr=not secret)


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where media lie: S3 when `endpoint` is set, else a directory."""

    directory: str = _option("", "Directory of media; empty takes `objects` in the data directory")
    min_free_mib: int = _option(1024, "Room that writes to the directory leave free")
    endpoint: str = _option("", "S3 address such as https://s3.example.org; empty: the directory")
    bucket: str = _option("tongbu", "S3 bucket; made when it is missing")
    region: str = _option("us-east-1", "S3 region")
    access_key: str = _option("", "S3 access key", secret=True)
    secret_key: str = _option("", "S3 secret key", secret=True)
    prefix: str = _option("", "What every S3 key of ours begins with, such as tongbu/")

    def __post_init__(self) -> None:
        if self.min_free_mib < 0:
            raise ValueError(f"min_free_mib must be 0 or more, not {self.min_free_mib}")
        if self.endpoint:
            self.s3()

    def local(self, data: Path) -> LocalSettings:
        """The directory store's settings, below the data directory unless named."""
        root = Path(self.directory).expanduser() if self.directory else data / "objects"
        return LocalSettings(root, self.min_free_mib * MIB)

    def s3(self) -> S3Settings:
        """The S3 store's settings. Raises: ValueError."""
        return S3Settings(
            self.endpoint, self.bucket, self.access_key, self.secret_key, self.region, self.prefix
        )


@asynccontextmanager
async def open_store(settings: StoreSettings, data: Path) -> AsyncIterator[ObjectStore]:
    """Open the store that is asked for; a store that is away now may come later."""
    if settings.endpoint:
        async with s3_store(settings.s3()) as store:
            yield store
        return
    local = await asyncio.to_thread(LocalStore, settings.local(data))
    try:
        yield local
    finally:
        await local.close()
