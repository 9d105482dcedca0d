"""Memory of the server while ten uploads of 2 GB run at once; the goal is below 300 MB.

    python -m loadtests.upload_memory            10 uploads of 2 GB
    python -m loadtests.upload_memory 4 0.5      another number, other gigabytes

Starts `tongbu serve` without workers in a fresh directory and sends generated streams in one PATCH
each, all but the last byte, so that the disk holds them once; the first upload is then finished and
the others are taken back. The figure is the peak of the origin's resident memory (VmHWM).
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from collections.abc import AsyncIterator

from loadtests.client import Client, Refused, signed_in
from loadtests.live_cpu import peak_bytes
from loadtests.service import ADMIN_PASSWORD, running

GOAL_BYTES = 300 * 1000 * 1000
PIECE_BYTES = 1 << 20
HEAD = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
_TUS = {"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream"}


async def stream(size: int) -> AsyncIterator[bytes]:
    """Generate bytes that begin like an MP4 and that no file system can leave out."""
    piece = (hashlib.sha256(b"tongbu").digest() * (PIECE_BYTES // 32))[: PIECE_BYTES - len(HEAD)]
    piece = HEAD + piece
    for start in range(0, size, PIECE_BYTES):
        yield piece[: min(PIECE_BYTES, size - start)]


async def send(client: Client, size: int) -> str:
    """Create an upload and send all but its last byte; give its address."""
    where = await client.create_upload(size, {"filename": "long.mp4"})
    headers = {**_TUS, "Upload-Offset": "0", "Content-Length": str(size - 1)}
    async with client.http.patch(where, data=stream(size - 1), headers=headers) as answer:
        if answer.status != 204:
            raise Refused(f"PATCH: {answer.status} {await answer.text()}")
    return where


async def measure(url: str, pid: int, count: int, size: int) -> int:
    """Run the uploads and give the peak."""
    async with signed_in(url, "admin", ADMIN_PASSWORD) as client:
        idle = peak_bytes(pid)
        began = time.monotonic()
        sent = await asyncio.gather(*(send(client, size) for _ in range(count)))
        took_s = time.monotonic() - began
        peak = peak_bytes(pid)
        headers = {**_TUS, "Upload-Offset": str(size - 1)}
        async with client.http.patch(sent[0], data=b"x", headers=headers) as answer:
            finished = answer.status == 204
        for where in sent[1:]:
            await (await client.http.delete(where, headers=_TUS)).release()
    rate = count * size / took_s / 1e6
    print(f"{count} uploads of {size / 1e9:.1f} GB at once: {rate:.0f} MB/s in all")
    print(f"resident memory: {idle / 1e6:.0f} MB before, peak {peak / 1e6:.0f} MB "
          f"(goal below {GOAL_BYTES / 1e6:.0f} MB)")  # fmt: skip
    print(f"peak with the first one stored: {peak_bytes(pid) / 1e6:.0f} MB, finished: {finished}")
    return peak_bytes(pid) if finished else sys.maxsize


def main() -> int:
    """Run the bench; exit code 1 when the goal is missed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    size = int(float(sys.argv[2]) * 1e9) if len(sys.argv) > 2 else 2_000_000_000
    with running(extra={"TONGBU_SERVER_WORKERS": "0"}) as service:
        peak = asyncio.run(measure(service.url, service.process.pid, count, size))
    return 0 if peak < GOAL_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
