"""Run one sandboxed child with pipe outputs, watch it, and never leave it behind.

The one task in `run` owns the child: it reads every output, the progress and the error lines, and
whatever ends it (success, failure, a consumer's error, cancellation) the child's process group is
terminated, killed after the grace time and waited for. When the worker itself is killed, the
kernel kills the child (launch.py). Knows nothing of what the command encodes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, Process
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from transcoder.errors import ProcessError, ProcessFailed, ProcessOvertime, ProcessStalled
from transcoder.progress import Progress, ProgressReader
from transcoder.sandbox import Sandbox

STDERR_LINES = 64
STDERR_LINE_CHARACTERS = 400
READ_BYTES = 1 << 16
EXIT_NOTICE_S = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """Time limits of a child. The stall clock runs only while every consumer waits for bytes."""

    wall_s: float
    stall_s: float = float("inf")
    grace_s: float = 3.0


class Output:
    """The reading end of one pipe of a child."""

    __slots__ = ("_reader", "hungry")

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self.hungry = False

    async def read(self, limit_bytes: int = READ_BYTES) -> bytes:
        """Give the next bytes, at most limit_bytes; empty at the end."""
        self.hungry = True
        data = await self._reader.read(limit_bytes)
        self.hungry = False
        return data


Consumer = Callable[[Output], Coroutine[None, None, None]]
Build = Callable[[Sequence[int]], Sequence[str]]


class StderrTail:
    """Keeps the last lines of what a child says, however much it says."""

    __slots__ = ("_lines", "_rest")

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=STDERR_LINES)
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take bytes as they come."""
        *lines, rest = (self._rest + data).replace(b"\r", b"\n").split(b"\n")
        self._rest = rest[:STDERR_LINE_CHARACTERS]
        self._lines.extend(_shown(line) for line in lines if line.strip())

    def lines(self) -> tuple[str, ...]:
        """Give the lines by now, the unfinished one too."""
        rest = (_shown(self._rest),) if self._rest.strip() else ()
        return (*self._lines, *rest)[-STDERR_LINES:]


def _shown(line: bytes) -> str:
    return line.decode("utf-8", "replace").strip()[:STDERR_LINE_CHARACTERS]


class _Run:
    """State of one child: its outputs, its tail, and when its media time last grew."""

    def __init__(
        self, program: str, watch: Watch, on_progress: Callable[[Progress], None] | None
    ) -> None:
        self.program = program
        self.watch = watch
        self.on_progress = on_progress
        self.tail = StderrTail()
        self.outputs: list[Output] = []
        self.transports: list[asyncio.ReadTransport] = []
        self.furthest = (0.0, 0)
        self.grown_at = asyncio.get_running_loop().time()

    async def attach(self, fd: int) -> Output:
        """Take over the reading end of a pipe; closed by `close`."""
        reader = asyncio.StreamReader(limit=READ_BYTES)
        pipe = os.fdopen(fd, "rb", 0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        self.transports.append(transport)
        return Output(reader)

    def close(self) -> None:
        """Close every reading end: a child that still writes gets SIGPIPE."""
        for transport in self.transports:
            transport.close()

    async def consume(self, consumer: Consumer, output: Output) -> None:
        """Feed one consumer; one that is done counts as waiting."""
        await consumer(output)
        output.hungry = True

    async def follow_stderr(self, stream: Output) -> None:
        while data := await stream.read():
            self.tail.feed(data)

    async def follow_progress(self, stream: Output) -> None:
        reader = ProgressReader()
        while data := await stream.read():
            for progress in reader.feed(data):
                self._note(progress)

    def _note(self, progress: Progress) -> None:
        furthest = max(self.furthest, (progress.out_time_s, progress.frame))
        if furthest != self.furthest or progress.done:
            self.furthest = furthest
            self.grown_at = asyncio.get_running_loop().time()
        if self.on_progress:
            self.on_progress(progress)

    async def guard(self) -> None:
        """Raise when the child takes too long or no longer moves."""
        clock = asyncio.get_running_loop().time
        over_at = clock() + self.watch.wall_s
        tick_s = max(0.02, min(1.0, self.watch.wall_s / 8, self.watch.stall_s / 8))
        while True:
            await asyncio.sleep(tick_s)
            now = clock()
            if now >= over_at:
                limit = f"{self.program} was not done within {self.watch.wall_s:g} s"
                raise ProcessOvertime(limit, self.tail.lines())
            if not all(output.hungry for output in self.outputs):
                self.grown_at = now
            elif now - self.grown_at >= self.watch.stall_s:
                limit = f"{self.program} made no progress for {self.watch.stall_s:g} s"
                raise ProcessStalled(limit, self.tail.lines())


async def run(
    build: Build,
    consumers: Sequence[Consumer],
    *,
    sandbox: Sandbox,
    watch: Watch,
    on_progress: Callable[[Progress], None] | None = None,
) -> tuple[str, ...]:
    """Run the command that `build` gives for the writing ends of one pipe per consumer.

    Standard output is read as ffmpeg progress. Returns the last error lines of a child that ended
    with 0 and whose consumers all came back.

    Raises: ProcessFailed, ProcessStalled, ProcessOvertime; whatever a consumer raises.
    """
    pipes = [os.pipe() for _ in consumers]
    reading, writing = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
    try:
        command = build(writing)
    except BaseException:
        _close(reading + writing)
        raise
    state = _Run(PurePath(command[0]).name, watch, on_progress)
    async with _child(command, sandbox, state, reading, writing) as (process, stdout, stderr):
        work = [state.follow_stderr(stderr), state.follow_progress(stdout)]
        work += [state.consume(*pair) for pair in zip(consumers, state.outputs, strict=True)]
        await _supervise(process, state, work)
    return state.tail.lines()


async def capture(
    command: Sequence[str], *, sandbox: Sandbox, watch: Watch, limit_bytes: int
) -> tuple[bytes, tuple[str, ...]]:
    """Run a command and give its standard output and its last error lines.

    Raises: ProcessFailed, ProcessOvertime; ProcessError when it says more than limit_bytes.
    """
    found = bytearray()

    async def keep(output: Output) -> None:
        while data := await output.read():
            found.extend(data)
            if len(found) > limit_bytes:
                raise ProcessError(f"{PurePath(command[0]).name} says more than {limit_bytes} B")

    state = _Run(PurePath(command[0]).name, watch, None)
    async with _child(command, sandbox, state, [], []) as (process, stdout, stderr):
        await _supervise(process, state, [state.follow_stderr(stderr), keep(stdout)])
    return bytes(found), state.tail.lines()


def _close(fds: Sequence[int]) -> None:
    for fd in fds:
        os.close(fd)


@contextlib.asynccontextmanager
async def _child(
    command: Sequence[str],
    sandbox: Sandbox,
    state: _Run,
    reading: Sequence[int],
    writing: Sequence[int],
) -> AsyncIterator[tuple[Process, Output, Output]]:
    """Start the child in a session of its own; give it with standard output and error.

    The ends of all pipes are closed and the child is gone when the block is left.
    """
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    log.debug("start %s", " ".join(command))
    try:
        process = await asyncio.create_subprocess_exec(
            *sandbox.wrap(command, os.getpid()),
            stdin=DEVNULL,
            stdout=out_end,
            stderr=err_end,
            pass_fds=writing,
            start_new_session=True,
        )
    except BaseException:
        _close([out, err, *reading])
        raise
    finally:
        _close([out_end, err_end, *writing])
    try:
        stdout, stderr = await state.attach(out), await state.attach(err)
        state.outputs = [await state.attach(fd) for fd in reading]
        yield process, stdout, stderr
    finally:
        state.close()
        await _stop(process, state.watch.grace_s)


async def _supervise(
    process: Process, state: _Run, work: Sequence[Coroutine[None, None, None]]
) -> None:
    """Follow all that the child says until it ends."""
    try:
        async with asyncio.TaskGroup() as group:
            guard = group.create_task(state.guard())
            await asyncio.wait([group.create_task(one) for one in work])
            await process.wait()
            guard.cancel()
    except BaseExceptionGroup as errors:
        await _prefer_exit_code(process, state, errors.exceptions[0])
    if process.returncode:
        raise ProcessFailed(state.program, process.returncode, state.tail.lines())


async def _prefer_exit_code(process: Process, state: _Run, error: BaseException) -> None:
    """Raise the child's own failure when that is why a consumer's bytes ended too early."""
    if not isinstance(error, ProcessError):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(EXIT_NOTICE_S):
                await process.wait()
        if process.returncode:
            failure = ProcessFailed(state.program, process.returncode, state.tail.lines())
            raise failure from error
    raise error


async def _stop(process: Process, grace_s: float) -> None:
    """Terminate, wait, kill, wait: on a task of its own, so that a cancellation cannot cut it."""
    if process.returncode is None:
        stopping = asyncio.ensure_future(_terminate(process, grace_s))
        try:
            await asyncio.shield(stopping)
        except asyncio.CancelledError:
            await stopping
            raise


async def _terminate(process: Process, grace_s: float) -> None:
    """End the whole process group."""
    for number, wait_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await process.wait()
            return
