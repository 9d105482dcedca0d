"""Children that read stdin: what they write arrives whole, and none outlives its block.

The sandbox lets a program be only itself: these are all builtins of one bash."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence

import pytest

from tests.support.children import gone
from tests.support.wait import eventually
from transcoder.errors import ProcessFailed
from transcoder.live.child import Child, running
from transcoder.process import STDERR_LINES, Output

MEGABYTE = 1 << 20


def shell(script: str) -> Callable[[Sequence[int]], list[str]]:
    """A command that knows its pipes as $1, $2, …"""
    return lambda fds: ["/bin/bash", "-c", script, "sh", *map(str, fds)]


class Kept:
    """Keeps what one pipe gives."""

    def __init__(self) -> None:
        self.data = bytearray()

    async def __call__(self, output: Output) -> None:
        while data := await output.read():
            self.data += data


def ignore(_data: bytes) -> None:
    """Do nothing."""


async def test_each_pipe_and_stdout_arrive_whole() -> None:
    one, other, said = Kept(), Kept(), bytearray()
    script = "echo done >&$2; echo progress=end; while read -r x; do echo $x >&$1; done"
    lines = b"".join(b"%d\n" % number for number in range(20_000))
    async with running(shell(script), [one, other], said.extend) as child:
        await child.send(lines)
        child.close_input()
        await child.ended()
    assert bytes(one.data) == lines
    assert (bytes(other.data), bytes(said)) == (b"done\n", b"progress=end\n")


async def test_a_bad_end_comes_with_the_last_words() -> None:
    script = (
        f"i=0; while [ $i -lt {STDERR_LINES + 9} ]; do echo line $i >&2; i=$((i+1)); done; exit 3"
    )
    async with running(shell(script), [Kept()], ignore) as child:
        with pytest.raises(ProcessFailed) as failed:
            await child.ended()
        await eventually(lambda: child.tail.lines()[-1:] == (f"line {STDERR_LINES + 8}",))
        assert len(child.tail.lines()) == STDERR_LINES
    assert "3" in str(failed.value)


async def pour(child: Child) -> None:
    """Write until the child takes no more."""
    while True:
        await child.send(bytes(MEGABYTE))


async def test_a_child_that_is_gone_takes_nothing() -> None:
    async with running(shell("exit 0"), [], ignore) as child:
        await child.ended()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            await pour(child)


async def test_a_reader_that_fails_ends_the_child_and_its_error_comes_out_alone() -> None:
    pids: list[int] = []

    async def fail(output: Output) -> None:
        await output.read()
        raise ValueError("no media")

    async def run() -> None:
        async with running(shell("echo x >&$1; read x"), [fail], ignore) as child:
            pids.append(child.process.pid)
            await child.ended()

    with pytest.raises(ValueError, match="no media"):
        await run()
    assert await gone(pids)


class LeftError(Exception):
    """The block is left while its child runs."""


async def left(script: str, then: Callable[[Child], None]) -> int:
    """Leave a block in the midst of it; gives the child's id."""
    pids: list[int] = []
    kept = Kept()

    async def run() -> None:
        async with running(shell(script), [kept], ignore) as child:
            pids.append(child.process.pid)
            await eventually(lambda: bool(kept.data))
            then(child)
            raise LeftError

    with pytest.raises(LeftError):
        await run()
    return pids[0]


@pytest.mark.parametrize("script", ["read x", "trap '' TERM; while :; do read x; done"])
async def test_nobody_outlives_its_block_however_deaf(script: str) -> None:
    def stay(_child: Child) -> None:
        """Leave it running."""

    assert await gone([await left(f"echo x >&$1; {script}", stay)])


async def test_a_child_that_was_stopped_is_killed_all_the_same() -> None:
    def hang(child: Child) -> None:
        os.kill(child.process.pid, signal.SIGSTOP)

    assert await gone([await left("echo x >&$1; read x", hang)])


@pytest.mark.parametrize("script", ["/bin/sleep 1000", "exec /bin/sleep 1000"])
async def test_a_child_is_alone_and_becomes_nothing_else(script: str) -> None:
    async with running(shell(script), [], ignore) as child:
        with pytest.raises(ProcessFailed):
            await child.ended()


async def test_a_block_that_is_cancelled_cleans_up_first() -> None:
    started: asyncio.Future[Child] = asyncio.get_running_loop().create_future()

    async def hold() -> None:
        async with running(shell("read x"), [], ignore) as child:
            started.set_result(child)
            await child.ended()

    task = asyncio.create_task(hold())
    child = await started
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await gone([child.process.pid])


async def test_a_program_that_is_not_there_leaves_no_pipe() -> None:
    async def run() -> None:
        async with running(lambda _fds: ["/no/such/program"], [Kept(), Kept()], ignore) as child:
            await child.ended()

    before = len(await asyncio.to_thread(os.listdir, "/proc/self/fd"))
    with pytest.raises(ProcessFailed, match="program"):
        await run()
    assert len(await asyncio.to_thread(os.listdir, "/proc/self/fd")) <= before + 1
