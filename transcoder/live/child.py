"""An ffmpeg that reads what it is given on stdin, as long as it lives.

Started in the sandbox of the work plane and in a process group of its own; whatever ends the block,
the group is terminated, killed after the grace time and waited for. The last lines of its errors
are kept. Knows nothing of what it encodes; `transcoder/process.py` runs children without stdin.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import PurePath
from typing import Any

from transcoder.errors import ProcessFailed
from transcoder.process import READ_BYTES, Build, Consumer, Output, StderrTail
from transcoder.sandbox import Limits, Sandbox

GRACE_S = 1.0
LIVE_LIMITS = Limits(cpu_s=48 * 3600, nice=0)
LIVE_SANDBOX = Sandbox(LIVE_LIMITS)


class Child:
    """A running child: write to it with `send`, `close_input` when no more comes."""

    def __init__(self, process: Process, program: str) -> None:
        self.process = process
        self.tail = StderrTail()
        self._program = program

    async def send(self, data: bytes) -> None:
        """Write to the child's stdin; waits while its pipe is full.

        Raises: BrokenPipeError, ConnectionResetError once it is gone.
        """
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    def close_input(self) -> None:
        """Say that no more comes."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    async def ended(self) -> None:
        """Wait for the child's end. Raises: ProcessFailed when it was no good one."""
        if code := await self.process.wait():
            raise ProcessFailed(self._program, code, self.tail.lines())


@contextlib.asynccontextmanager
async def running(
    build: Build,
    consumers: Sequence[Consumer],
    on_stdout: Callable[[bytes], None],
    sandbox: Sandbox = LIVE_SANDBOX,
) -> AsyncIterator[Child]:
    """Start the command that `build` gives for one pipe a consumer; give the child.

    The block is cancelled when a consumer raises, whose error then comes out of it. A block that
    ends well must have waited for the child's end; what it wrote is then read to the last byte.
    """
    pipes = [os.pipe() for _ in consumers]
    reading, writing = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
    try:
        command = build(writing)
        process = await asyncio.create_subprocess_exec(
            *sandbox.wrap(command, os.getpid()),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            pass_fds=writing,
            start_new_session=True,
        )
    except BaseException:
        _close(reading)
        raise
    finally:
        _close(writing)
    transports: list[asyncio.ReadTransport] = []
    child = Child(process, PurePath(command[0]).name)
    try:
        outputs = [await _attach(fd, transports) for fd in reading]
        work = [consumer(output) for consumer, output in zip(consumers, outputs, strict=True)]
        async with _beside([*work, *_listening(child, on_stdout)]):
            yield child
    finally:
        for transport in transports:
            transport.close()
        await stop(process)


def _listening(child: Child, on_stdout: Callable[[bytes], None]) -> list[Coroutine[Any, Any, None]]:
    """Read what the child says beside its outputs."""
    assert child.process.stdout is not None
    assert child.process.stderr is not None
    return [
        _follow(child.process.stdout, on_stdout),
        _follow(child.process.stderr, child.tail.feed),
    ]


async def _follow(stream: asyncio.StreamReader, take: Callable[[bytes], None]) -> None:
    while data := await stream.read(READ_BYTES):
        take(data)


@contextlib.asynccontextmanager
async def _beside(work: Sequence[Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run work to its end; the first error, also of the block, ends both and comes out alone."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
            yield
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from errors


async def _attach(fd: int, transports: list[asyncio.ReadTransport]) -> Output:
    reader = asyncio.StreamReader(limit=READ_BYTES)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", 0)
    )
    transports.append(transport)
    return Output(reader)


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)


async def stop(process: Process, grace_s: float = GRACE_S) -> None:
    """Terminate the group, wait, kill, wait; goes on to the end when it is cancelled."""
    stopping = asyncio.ensure_future(_terminate(process, grace_s))
    try:
        await asyncio.shield(stopping)
    except asyncio.CancelledError:
        await stopping
        raise


async def _terminate(process: Process, grace_s: float) -> None:
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, None)):
        if process.returncode is not None:
            break
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await process.wait()
    if process.stdin is not None:
        process.stdin.close()
