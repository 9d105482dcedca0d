"""The launcher's command line and its seccomp program."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import pytest

from transcoder.launch import ARCHITECTURES, SECCOMP_ALLOW, SECCOMP_ERRNO, filter_program
from transcoder.process import STDERR_LINE_CHARACTERS, STDERR_LINES, StderrTail
from transcoder.sandbox import LAUNCHER, Limits, Sandbox


def test_the_command_stands_behind_its_orders() -> None:
    sandbox = Sandbox(Limits(cpu_s=5, memory_bytes=1 << 20), (Path("/a b"),))
    *front, orders, program, argument = sandbox.wrap(["/bin/ls", "-l"], 77)
    assert front == [sys.executable, "-I", "-S", str(LAUNCHER)]
    assert json.loads(orders) == {
        "parent": 77,
        "limits": {
            "cpu_s": 5,
            "memory_bytes": 1 << 20,
            "file_bytes": 0,
            "open_files": 64,
            "nice": 10,
        },
        "readable": ["/a b"],
    }
    assert [program, argument] == ["/bin/ls", "-l"]


def answer(program: bytes, audit: int, call: int) -> int:
    """Interpret the filter as the kernel does."""
    steps = [struct.unpack_from("=HBBI", program, at) for at in range(0, len(program), 8)]
    at, loaded = 0, 0
    while True:
        code, if_true, if_false, operand = steps[at]
        at += 1
        if code == 0x20:
            loaded = {0: call, 4: audit}[operand]
        elif code == 0x06:
            return int(operand)
        else:
            held = loaded == operand if code == 0x15 else loaded >= operand
            at += if_true if held else if_false


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_the_filter_refuses_the_listed_calls_only(machine: str) -> None:
    audit, refused = ARCHITECTURES[machine]
    program = filter_program(machine)
    answers = {call: answer(program, audit, call) for call in range(600)}
    assert {call for call, given in answers.items() if given != SECCOMP_ALLOW} == set(refused)
    assert answers[refused[0]] == SECCOMP_ERRNO | 1
    assert answer(program, 0x40000003, 0) == 0x80000000
    assert answer(program, audit, 0x40000000 + 41) == SECCOMP_ERRNO | 1


def test_the_tail_keeps_the_last_lines_and_bounds_them() -> None:
    tail = StderrTail()
    for number in range(200):
        tail.feed(f"line {number}\r\n".encode())
    tail.feed(b"z" * 100_000)
    lines = tail.lines()
    assert len(lines) == STDERR_LINES
    assert lines[-2:] == ("line 199", "z" * STDERR_LINE_CHARACTERS)
