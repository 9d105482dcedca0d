"""Narrow this process, then become another program: `launch.py JSON PROGRAM ARGUMENT…`.

Runs before ffmpeg or the probe in a process of its own (python -I -S, standard library only), so
that nothing runs between fork and exec in the worker. Narrowing falls back step by step on kernels
that lack a part: seccomp, else a network namespace; Landlock, else nothing. `launch.py --report`
tells what this machine can do.

Spec: prctl(2) PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS; seccomp(2); landlock(7) ABI 1.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from typing import Any

EX_NOT_STARTED = 126
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 1, 38, 22, 2
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
X32_BIT = 0x40000000
SECCOMP_ALLOW, SECCOMP_KILL, SECCOMP_ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM = 1
LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_PATH_BENEATH = 1
FS_EXECUTE, FS_WRITE_FILE, FS_READ_FILE, FS_READ_DIR = 1, 2, 4, 8
FS_ALL = (1 << 13) - 1
FS_OF_A_FILE = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
READ_ALWAYS = ("/etc/ld.so.cache", "/dev/urandom", "/dev/zero", "/proc/self", "/proc/meminfo",
               "/proc/cpuinfo", "/sys/devices/system/cpu")  # fmt: skip

# machine → (audit architecture, calls refused): sockets and io_uring, other processes' memory and
# signals, namespaces and mounts, kernel tools that a decoder has no use for.
ARCHITECTURES = {
    "x86_64": (0xC000003E, (41, 425, 101, 310, 311, 62, 424, 438, 272, 308, 165, 321, 323, 298,
                            248, 249, 250, 304)),
    "aarch64": (0xC00000B7, (198, 425, 117, 270, 271, 129, 424, 438, 97, 268, 40, 280, 282, 241,
                             217, 218, 219, 265)),
}  # fmt: skip

libc = ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """Give the result of a C call.

    Raises: OSError when it is negative.
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, *arguments: Any) -> None:
    """Call prctl with all five arguments, as some options demand."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    words = [ctypes.c_void_p(word) if isinstance(word, int) else word for word in padded]
    checked(libc.prctl(option, *words), f"prctl {option}")


def filter_program(machine: str) -> bytes:
    """Write the BPF program that refuses the calls of ARCHITECTURES with EPERM.

    Spec: Linux filter.h struct sock_filter (code, jump true, jump false, operand).
    """
    audit, refused = ARCHITECTURES[machine]
    load, equal, at_least, answer = 0x20, 0x15, 0x35, 0x06
    refuse_at = len(refused) + 1
    steps = [(load, 0, 0, 4), (equal, 1, 0, audit), (answer, 0, 0, SECCOMP_KILL), (load, 0, 0, 0)]
    steps.append((at_least, refuse_at, 0, X32_BIT))
    steps += [(equal, refuse_at - 1 - i, 0, call) for i, call in enumerate(refused)]
    steps += [(answer, 0, 0, SECCOMP_ALLOW), (answer, 0, 0, SECCOMP_ERRNO | EPERM)]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def refuse_calls() -> None:
    """Install the filter; it stays over exec and for every child."""
    program = filter_program(os.uname().machine)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(header, len(header)))


def leave_network() -> None:
    """Move to a network namespace with nothing in it, by way of a user namespace if need be."""
    try:
        checked(libc.unshare(CLONE_NEWNET), "unshare")
    except OSError:
        checked(libc.unshare(CLONE_NEWUSER | CLONE_NEWNET), "unshare")


def allow_path(ruleset: int, path: str, rights: int) -> None:
    """Let the ruleset grant rights on a file or a whole directory; a missing path is passed by."""
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    granted = rights if os.path.isdir(path) else rights & FS_OF_A_FILE
    rule = struct.pack("=Qi", granted, handle)
    buffer = ctypes.create_string_buffer(rule, len(rule))
    result = libc.syscall(LANDLOCK_ADD, ruleset, LANDLOCK_PATH_BENEATH, buffer, 0)
    os.close(handle)
    checked(result, f"landlock {path}")


def narrow_files(program: str, readable: Iterable[str]) -> None:
    """Leave only reading of the given paths and libraries; nothing can be made or written."""
    rights = struct.pack("=Q", FS_ALL)
    buffer = ctypes.create_string_buffer(rights, len(rights))
    ruleset = checked(libc.syscall(LANDLOCK_CREATE, buffer, len(rights), 0), "landlock")
    read = FS_READ_FILE | FS_READ_DIR
    for path in (*LIBRARIES, os.path.realpath(program)):
        allow_path(ruleset, path, read | FS_EXECUTE)
    for path in (*READ_ALWAYS, *readable):
        allow_path(ruleset, path, read)
    allow_path(ruleset, "/dev/null", FS_READ_FILE | FS_WRITE_FILE)
    checked(libc.syscall(LANDLOCK_RESTRICT, ruleset, 0), "landlock")
    os.close(ruleset)


def limit(kind: int, value: int) -> None:
    """Set a resource limit, never above the one that already holds."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def set_limits(limits: dict[str, int]) -> None:
    """Set every resource limit and the niceness."""
    limit(resource.RLIMIT_CPU, limits["cpu_s"])
    limit(resource.RLIMIT_AS, limits["memory_bytes"])
    limit(resource.RLIMIT_FSIZE, limits["file_bytes"])
    limit(resource.RLIMIT_NOFILE, limits["open_files"])
    limit(resource.RLIMIT_CORE, 0)
    be_nice(limits["nice"])


def be_nice(nice: int) -> None:
    """Yield to others: this process, and its session where the kernel schedules by session.

    Spec: sched(7), the autogroup feature: niceness counts only inside of a session.
    """
    os.nice(nice)
    try:
        with open("/proc/self/autogroup", "w") as file:
            file.write(str(nice))
    except OSError:
        return


def die_with_parent(parent: int) -> None:
    """Be killed when the worker ends, also when it ended before this call."""
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def attempt(step: str, action: Any, *arguments: Any) -> list[str]:
    """Run one step of the narrowing; give its name when it holds now."""
    try:
        action(*arguments)
    except (OSError, KeyError):
        return []
    return [step]


def narrow(program: str, readable: Iterable[str]) -> list[str]:
    """Take away files and network, as far as the kernel lets us; give the steps that hold."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    held = attempt("landlock", narrow_files, program, readable)
    held += attempt("seccomp", refuse_calls)
    if "seccomp" not in held:
        held += attempt("network namespace", leave_network)
    return held


def main(arguments: list[str]) -> int:
    """Narrow and exec; only comes back for a report or when the program cannot be started."""
    if arguments == ["--report"]:
        os.write(1, json.dumps(narrow(sys.executable, ())).encode())
        return 0
    orders, command = json.loads(arguments[0]), arguments[1:]
    try:
        set_limits(orders["limits"])
        narrow(command[0], orders["readable"])
        # After the namespace: a change of credentials clears the parent-death signal.
        die_with_parent(orders["parent"])
        os.execv(command[0], command)  # noqa: S606 (this is what it is for)
    except OSError as error:
        os.write(2, f"cannot start {command[0]}: {error}\n".encode())
    return EX_NOT_STARTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
