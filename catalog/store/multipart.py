"""Uploads of big files to S3 in parts, streamed from disk a few at a time.

A part is read and sent in small chunks, so memory does not grow with the file. A failed upload is
given up at the store; parts that a killed process left are dropped by a rule of the bucket.

Spec: S3 REST API, CreateMultipartUpload, UploadPart, CompleteMultipartUpload (5 MiB to 5 GiB a
part, at most 10 000 parts).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from minio.commonconfig import Filter
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule

from catalog.store.answers import refusal, tag
from catalog.store.port import StoreAway, StoreError
from catalog.store.wire import Wire

PART_BYTES = 16 * 1024 * 1024
PARTS_LIMIT = 10_000
PARTS_AT_ONCE = 3
SEND_BYTES = 512 * 1024
ABANDONED_AFTER_DAYS = 1


async def put_parts(
    wire: Wire, name: str, path: Path, size_bytes: int, content_type: str, part_bytes: int
) -> None:
    """Send a file in parts. Raises: StoreError, and the store keeps nothing of it."""
    part_bytes = max(part_bytes, -(-size_bytes // PARTS_LIMIT))
    upload = await _create(wire, name, content_type)
    query = {"uploadId": upload}
    try:
        tags = await _send_all(wire, name, query, path, size_bytes, part_bytes)
        await _complete(wire, name, query, tags)
    except BaseException:
        await asyncio.shield(asyncio.create_task(_abort(wire, name, query)))
        raise


async def _create(wire: Wire, name: str, content_type: str) -> str:
    headers = {"Content-Type": content_type}
    async with wire.call("POST", name, query={"uploads": ""}, headers=headers) as answer:
        upload = tag(await answer.read(), "UploadId")
    if not upload:
        raise StoreAway("the S3 store gave no upload id: it cannot take files in parts")
    return upload


async def _send_all(
    wire: Wire, name: str, query: dict[str, str], path: Path, size_bytes: int, part_bytes: int
) -> list[str]:
    room = asyncio.Semaphore(PARTS_AT_ONCE)

    async def send(number: int, offset: int) -> str:
        length = min(part_bytes, size_bytes - offset)
        async with room:
            return await _send(wire, name, {**query, "partNumber": str(number)}, path,
                               offset, length)  # fmt: skip

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(send(number, offset))
                for number, offset in enumerate(range(0, size_bytes, part_bytes), 1)
            ]
    except ExceptionGroup as failed:  # `except*` would wrap what it raises until Python 3.11.4
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]


async def _send(
    wire: Wire, name: str, query: dict[str, str], path: Path, offset: int, length: int
) -> str:
    headers = {"Content-Length": str(length)}
    body = partial(file_piece, path, offset, length)
    async with wire.call("PUT", name, query=query, headers=headers, body=body) as answer:
        await answer.read()
        etag: str = answer.headers.get("ETag", "")
    return etag


async def file_piece(path: Path, offset: int, length: int) -> AsyncIterator[bytes]:
    """Give length bytes of the file from offset in small chunks.

    The file is opened for each chunk: a request may be dropped between two, and nobody tells us.
    """
    end = offset + length
    while offset < end:
        chunk = await asyncio.to_thread(_read_at, path, offset, min(SEND_BYTES, end - offset))
        if not chunk:
            raise StoreAway(f"{path.name} became shorter while it was sent")
        offset += len(chunk)
        yield chunk


def _read_at(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        return os.pread(file.fileno(), length, offset)


async def _complete(wire: Wire, name: str, query: dict[str, str], tags: list[str]) -> None:
    parts = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"
        for number, etag in enumerate(tags, 1)
    )
    body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
    async with wire.call("POST", name, query=query, body=lambda: body) as answer:
        said = await answer.read()
    if b"<Error>" in said:
        raise refusal(name, 500, tag(said, "Code"), tag(said, "Message")).error


async def _abort(wire: Wire, name: str, query: dict[str, str]) -> None:
    with suppress(StoreError):
        async with wire.call("DELETE", name, query=query) as answer:
            await answer.read()


def drop_old_parts() -> LifecycleConfig:
    """Give the rule by which the store drops parts of uploads that nobody finished in a day."""
    return LifecycleConfig(
        [
            Rule(
                status="Enabled",
                rule_id="drop-unfinished-uploads",
                rule_filter=Filter(prefix=""),
                abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(
                    days_after_initiation=ABANDONED_AFTER_DAYS
                ),
            )
        ]
    )
