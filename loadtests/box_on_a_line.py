"""A school's box behind a line that is thin, and whose plug is pulled and put back with Enter.

    python -m loadtests.box_on_a_line 2 tongbu edge --origin URL --enrol CODE --data DIR

is the command that the city or the demo prints, behind a line of 2 Mbit/s each way. The line is a
port of this machine through which all that the box asks of the city goes (loadtests/thin_line.py).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from loadtests.thin_line import Line, line

PORT = 8089
WANTED = "add the box's command after the rate: tongbu edge --origin http://HOST:PORT ..."


def split(words: Sequence[str]) -> tuple[str, list[str]]:
    """Give the origin of a box's command, and its options without it. Raises: ValueError."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("program", choices=["tongbu"])
    parser.add_argument("role", choices=["edge"])
    parser.add_argument("--origin", required=True)
    try:
        found, rest = parser.parse_known_args(words)
    except (argparse.ArgumentError, SystemExit):
        raise ValueError(WANTED) from None
    if not re.fullmatch(r"http://[^/:]+:\d+/?", found.origin):
        raise ValueError(f"the line carries plain HTTP, not {found.origin}: {WANTED}")
    return found.origin, rest


async def run(rate_mbps: float, options: Sequence[str], origin: str, port: int) -> int:
    """Run the box until it ends, which Ctrl-C tells it too."""
    loop = asyncio.get_running_loop()
    async with line(origin, round(rate_mbps * 1e6), port) as between:
        box = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy", "edge", "--origin", between.url, *options,
            stdin=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        loop.add_signal_handler(signal.SIGINT, lambda: None)
        loop.add_signal_handler(signal.SIGTERM, box.terminate)
        with suppress(PermissionError):  # /dev/null and files cannot be waited for
            loop.add_reader(sys.stdin.fileno(), lambda: _pressed(between))
        _say(f"The line to {origin} has {rate_mbps:g} Mbit/s. Enter pulls its plug.")
        return await box.wait()


def _pressed(between: Line) -> None:
    if not os.read(sys.stdin.fileno(), 1024):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    elif between.whole:
        between.cut()
        _say("The line is cut. Enter puts the plug back.")
    else:
        between.mend()
        _say("The line is back. Enter pulls its plug.")


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=PORT, help="of this machine, for the line")
    parser.add_argument("rate", type=float, help="of the line, each way, in Mbit/s")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="tongbu edge --origin URL ...")
    asked = parser.parse_args()
    if not 0.05 <= asked.rate <= 1000:
        parser.error("a line has 0.05 to 1000 Mbit/s")
    try:
        origin, options = split(asked.command)
    except ValueError as error:
        parser.error(str(error))
    sys.exit(asyncio.run(run(asked.rate, options, origin, asked.port)))


if __name__ == "__main__":
    main()
