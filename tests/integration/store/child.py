"""A process of its own that uses a store: to be killed, or to have its memory measured.

    child.py put      KEY FILE           one object; prints `done`
    child.py repeat   KEY FILE           the same object again and again, a line each time
    child.py memory   KEY FILE           put, read and fetch FILE; prints growth of memory in bytes

The store comes as JSON on standard input: {"root": …} or the fields of S3Settings.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from catalog.store.local import LocalSettings, LocalStore
from catalog.store.port import ObjectStore
from catalog.store.s3 import S3Settings, s3_store

MP4 = "video/mp4"


@asynccontextmanager
async def told_store(settings: dict[str, str]) -> AsyncIterator[ObjectStore]:
    if "root" in settings:
        local = LocalStore(LocalSettings(Path(settings["root"]), min_free_bytes=0))
        yield local
        await local.close()
    else:
        async with s3_store(S3Settings(**settings)) as store:  # type: ignore[arg-type]
            yield store


async def run(what: str, key: str, path: Path, settings: dict[str, str]) -> None:
    async with told_store(settings) as store:
        if what == "put":
            await store.put_file(key, path, MP4)
            say("done")
        while what == "repeat":
            say("begin")
            await store.put_file(key, path, MP4)
        if what == "memory":
            await measure(store, key, path)


async def measure(store: ObjectStore, key: str, path: Path) -> None:
    await store.put_bytes(key, bytes(1000), MP4)
    async with store.read(key) as chunks:
        async for _ in chunks:
            pass
    before = peak_bytes()
    await store.put_file(key, path, MP4)
    async with store.read(key) as chunks:
        async for _ in chunks:
            pass
    await store.fetch(key, path.with_name("fetched"))
    say(str(peak_bytes() - before))


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), json.loads(sys.stdin.readline())))
