"""CPU seconds and children, read from /proc and compared with what Python knows of itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from loadtests.live_cpu import TICKS, children_of, cpu_s, machine_s, resident_bytes


def test_a_process_has_used_what_it_says_itself() -> None:
    machine = machine_s()
    before, began_s = cpu_s(os.getpid()), time.process_time()
    while time.process_time() - began_s < 0.3:
        sum(range(10_000))
    used_s = time.process_time() - began_s
    assert cpu_s(os.getpid()) - before == pytest.approx(used_s, abs=3 / TICKS)
    busy_s, whole_s = (after - then for after, then in zip(machine_s(), machine, strict=True))
    # The machine's figures are samples at its ticks: some are missed.
    assert 0.15 <= busy_s <= whole_s + 0.5 / TICKS


def test_children_are_found_by_their_parent() -> None:
    talks = "print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", talks], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        # Until it is Python that speaks, its command line is still ours.
        child.stdout.readline()
        assert talks in children_of(os.getpid())[child.pid]
        assert children_of(child.pid) == {}
        child.kill()


def test_memory_that_a_process_fills_is_resident() -> None:
    before = resident_bytes(os.getpid())
    filled = bytearray(b"\1" * (64 << 20))
    assert resident_bytes(os.getpid()) - before == pytest.approx(len(filled), rel=0.1)
