"""Real children: limits, no network, no files, watches, and no orphan."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from transcoder.errors import ProcessError, ProcessFailed, ProcessOvertime, ProcessStalled
from transcoder.process import Output, Watch, capture, run
from transcoder.progress import Progress
from transcoder.sandbox import Limits, Sandbox

PYTHON = os.path.realpath(sys.executable)
ROOT = Path(__file__).parents[3]
LIBRARY = (Path(sys.base_prefix), Path(sys.prefix))
QUICK = Sandbox(Limits(cpu_s=20, memory_bytes=1 << 30, nice=0), LIBRARY)
WATCH = Watch(wall_s=20, grace_s=1)


def script(text: str) -> Callable[[Sequence[int]], list[str]]:
    """A fake encoder in Python: `fds` holds its pipes."""
    return lambda fds: [PYTHON, "-I", "-S", "-c", f"fds = {list(fds)}\n{text}"]


async def said(text: str, sandbox: Sandbox = QUICK) -> str:
    """What a script prints in the sandbox."""
    found, _ = await capture(script(text)([]), sandbox=sandbox, watch=WATCH, limit_bytes=100_000)
    return found.decode().strip()


class Collect:
    """A consumer that keeps the bytes."""

    def __init__(self) -> None:
        self.data = b""

    async def __call__(self, output: Output) -> None:
        while data := await output.read():
            self.data += data


def alive(pid: int) -> bool:
    """Tell whether a process runs (a zombie does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def until(holds: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_every_pipe_reaches_its_consumer_and_progress_is_told() -> None:
    text = """
import os
for i, fd in enumerate(fds):
    os.write(fd, bytes([65 + i]) * 60_000)
    os.close(fd)
os.write(1, b'frame=9\\nout_time_us=300000\\nprogress=end\\n')
os.write(2, b'a remark\\n')
"""
    first, second, reports = Collect(), Collect(), list[Progress]()
    lines = await run(
        script(text), [first, second], sandbox=QUICK, watch=WATCH, on_progress=reports.append
    )
    assert (first.data, second.data) == (b"A" * 60_000, b"B" * 60_000)
    assert reports == [Progress(9, 0.3, None, done=True)]
    assert lines == ("a remark",)


async def test_a_failure_carries_code_and_last_lines() -> None:
    text = "import os\nfor i in range(99): os.write(2, b'line %d\\n' % i)\nos._exit(7)"
    with pytest.raises(ProcessFailed) as caught:
        await run(script(text), [Collect()], sandbox=QUICK, watch=WATCH)
    assert caught.value.returncode == 7
    assert len(caught.value.stderr) == 64
    assert caught.value.stderr[-1] == "line 98"


async def test_a_failed_child_explains_its_consumers_error() -> None:
    async def want_more(output: Output) -> None:
        while await output.read():
            pass
        raise ValueError("ends in the middle of a fragment")

    with pytest.raises(ProcessFailed) as caught:
        await run(script("import os; os._exit(3)"), [want_more], sandbox=QUICK, watch=WATCH)
    assert isinstance(caught.value.__cause__, ValueError)


FOREVER = "import os, time\nos.write(fds[0], b'%d' % os.getpid())\ntime.sleep(600)"
DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + FOREVER


class Pid(Collect):
    """Collects the child's process id."""

    @property
    def gone(self) -> bool:
        return not alive(int(self.data))


@pytest.mark.parametrize("text", [FOREVER, DEAF])
async def test_a_stalled_child_is_ended(text: str) -> None:
    pid = Pid()
    watch = Watch(wall_s=20, stall_s=0.5, grace_s=0.2)
    with pytest.raises(ProcessStalled):
        await run(script(text), [pid], sandbox=QUICK, watch=watch)
    assert pid.gone


async def test_a_slow_child_is_ended_at_its_wall_time() -> None:
    text = """
import os, time
os.write(fds[0], b'%d' % os.getpid())
for i in range(10_000):
    os.write(1, b'out_time_us=%d\\nprogress=continue\\n' % i)
    time.sleep(0.01)
"""
    pid = Pid()
    with pytest.raises(ProcessOvertime):
        await run(script(text), [pid], sandbox=QUICK, watch=Watch(1, stall_s=0.5, grace_s=0.2))
    assert pid.gone


async def test_a_busy_consumer_is_not_a_stall() -> None:
    async def slow(output: Output) -> None:
        for _ in range(4):
            await output.read()
            await asyncio.sleep(0.4)

    text = "import os\nfor _ in range(4): os.write(fds[0], b'x' * 65536)"
    await run(script(text), [slow], sandbox=QUICK, watch=Watch(20, stall_s=0.25))


async def test_a_consumers_error_ends_the_child() -> None:
    pid = Pid()

    async def store_down(output: Output) -> None:
        pid.data = await output.read()
        raise ConnectionError("store down")

    with pytest.raises(ConnectionError):
        await run(script(FOREVER), [store_down], sandbox=QUICK, watch=WATCH)
    assert pid.gone


async def test_cancelling_waits_for_the_childs_end() -> None:
    pid = Pid()
    task = asyncio.ensure_future(run(script(DEAF), [pid], sandbox=QUICK, watch=Watch(20, 20, 0.2)))
    await until(lambda: bool(pid.data))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert pid.gone


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(ProcessFailed, match="cannot start"):
        await capture(["/no/such"], sandbox=QUICK, watch=WATCH, limit_bytes=10)


async def test_too_many_words_are_an_error() -> None:
    with pytest.raises(ProcessError, match="more than"):
        await said("import os\nwhile True: os.write(1, b'x' * 65536)")


async def test_no_orphan_when_the_worker_is_killed(tmp_path: Path) -> None:
    worker = """
import asyncio, sys
from tests.integration.transcoder.test_process import *
async def main():
    async def tell(output):
        print((await output.read()).decode(), flush=True)
        await output.read()
    await run(script(DEAF), [tell], sandbox=QUICK, watch=WATCH)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", worker, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    child = int(await process.stdout.readline())
    try:
        assert await asyncio.to_thread(alive, child)
        process.kill()
        await process.wait()
        await until(lambda: not alive(child))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


async def test_the_child_has_no_network() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        text = f"""
import socket
for kind in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX):
    try:
        s = socket.socket(kind)
        s.settimeout(2)
        s.connect(('127.0.0.1', {port}))
        print('connected')
    except OSError as error:
        print('refused')
"""
        assert await said(text) == "refused\nrefused\nrefused"


@pytest.fixture
def neighbours(tmp_path: Path) -> tuple[Path, Path]:
    """A file that the child is given, and one beside it."""
    given, victim = tmp_path / "given", tmp_path / "victim"
    given.write_text("mine")
    victim.write_text("secret")
    return given, victim


async def test_the_child_reads_only_what_it_is_given(neighbours: tuple[Path, Path]) -> None:
    given, victim = neighbours
    text = f"""
print(open({str(given)!r}).read())
for path, mode in (({str(victim)!r}, 'r'), ({str(given)!r}, 'w'), ({str(victim)!r} + '2', 'w')):
    try:
        print(open(path, mode).read())
    except OSError:
        print('refused')
"""
    sandbox = Sandbox(QUICK.limits, (*LIBRARY, given))
    assert await said(text, sandbox) == "mine\nrefused\nrefused\nrefused"


async def test_the_limits_hold_and_no_new_privileges() -> None:
    text = """
import os, resource as r
kinds = (r.RLIMIT_CPU, r.RLIMIT_AS, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CORE)
print([r.getrlimit(kind)[0] for kind in kinds], os.nice(0) >= 10, os.getsid(0) == os.getpid())
print([l for l in open('/proc/self/status') if l.startswith('NoNewPrivs')][0].split()[1])
"""
    sandbox = Sandbox(replace(QUICK.limits, nice=10), (*LIBRARY, Path("/proc")))
    assert await said(text, sandbox) == f"[20, {1 << 30}, 0, 64, 0] True True\n1"


async def test_a_memory_hog_and_a_spinner_end() -> None:
    with pytest.raises(ProcessFailed, match="MemoryError"):
        await said("x = bytearray(2 << 30)")
    with pytest.raises(ProcessFailed, match="signal"):
        await said("while True: pass", Sandbox(Limits(cpu_s=1), LIBRARY))


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="no scheduling by session")
async def test_a_nice_child_is_nice_as_a_session_too() -> None:
    sandbox = Sandbox(Limits(cpu_s=20, memory_bytes=1 << 30, nice=7), (*LIBRARY, Path("/proc")))
    said_so = await said("print(open('/proc/self/autogroup').read())", sandbox)
    assert said_so.endswith("nice 7")
