"""A recording host for the benches: a stamped 720p30 picture and a tone, to any number of servers.

    python -m loadtests.live_publisher rtmp://…/live/KEY [rtmp://…]

One process with one x264 (veryfast, zerolatency, 2 Mbit/s, GOP 2 s) and AAC, pushed by RTMP as OBS
does; several addresses get the same bytes. It says `publishing` on standard output with its first
frame, and ends with SIGTERM or when ffmpeg does. A stamp is when the frame was due, as a camera
would have taken it: what the publisher is late counts as delay, and frames are 33.3 ms apart.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import imageio_ffmpeg

from loadtests.live_stamps import FPS, FRAME_BYTES, HEIGHT_PX, WIDTH_PX, stamp

ROOT = Path(__file__).parents[1]
GOP_S = 2
VIDEO_BPS, SOUND_BPS = 2_000_000, 128_000
END_LIMIT_S = 5.0


def command(urls: Sequence[str]) -> list[str]:
    """Give ffmpeg's command: raw frames on standard input to every address."""
    rate = f"{VIDEO_BPS // 1000}k"
    outputs = "|".join(f"[f=flv:flvflags=no_duration_filesize:onfail=ignore]{url}" for url in urls)
    return [
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-hide_banner", "-v", "error",
        "-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH_PX}x{HEIGHT_PX}", "-r", str(FPS),
        "-i", "pipe:0", "-re", "-f", "lavfi", "-i", "sine=frequency=330:sample_rate=48000",
        "-map", "0:v", "-map", "1:a", "-c:v", "libx264", "-preset", "veryfast",
        "-tune", "zerolatency", "-profile:v", "main", "-b:v", rate, "-maxrate", rate,
        "-bufsize", rate, "-g", str(FPS * GOP_S), "-keyint_min", str(FPS * GOP_S),
        "-sc_threshold", "0", "-c:a", "aac", "-b:a", f"{SOUND_BPS // 1000}k", "-ac", "2",
        "-flush_packets", "1", "-flags", "+global_header",
        *(("-f", "tee", outputs) if len(urls) > 1 else
          ("-flvflags", "no_duration_filesize", "-f", "flv", urls[0])),
    ]  # fmt: skip


def scenery() -> list[bytearray]:
    """Give one second of a moving picture to burn stamps into."""
    made = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-f", "lavfi", "-i",
         f"testsrc2=size={WIDTH_PX}x{HEIGHT_PX}:rate={FPS}", "-frames:v", str(FPS),
         "-pix_fmt", "yuv420p", "-f", "rawvideo", "pipe:1"],
        check=True, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    return [bytearray(made[at : at + FRAME_BYTES]) for at in range(0, len(made), FRAME_BYTES)]


def publish(urls: Sequence[str]) -> int:
    """Publish until ffmpeg ends; frames keep to the clock, a late one is sent at once."""
    frames = scenery()
    encoder = subprocess.Popen(command(urls), stdin=subprocess.PIPE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    assert encoder.stdin is not None
    try:
        began_at, began_utc = time.monotonic(), time.time()
        for number in itertools.count():
            due_s = number / FPS
            time.sleep(max(0.0, began_at + due_s - time.monotonic()))
            frame = frames[number % len(frames)]
            stamp(frame, int((began_utc + due_s) * 1000))
            encoder.stdin.write(frame)
            if number == 0:
                sys.stdout.write("publishing\n")
                sys.stdout.flush()
    except BrokenPipeError:
        return encoder.wait(END_LIMIT_S)
    finally:
        encoder.kill()
        encoder.wait()
    return 0


@contextmanager
def publishing(*urls: str, inside: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run a publisher as a process of its own, from its first frame on.

    `inside` are the words that put a command into a network of its own (`line.Home.inside`).
    """
    publisher = start(urls, inside)
    try:
        yield publisher
    finally:
        stop(publisher)


def start(urls: Sequence[str], inside: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a publisher and wait for its first frame."""
    publisher = subprocess.Popen(
        [*inside, sys.executable, "-m", "loadtests.live_publisher", *urls],
        cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert publisher.stdout is not None
    if publisher.stdout.readline() != "publishing\n":
        stop(publisher)
        raise SystemExit("the publisher did not start")
    return publisher


def stop(publisher: subprocess.Popen[str]) -> None:
    """End a publisher; its ffmpeg ends with it."""
    if publisher.poll() is None:
        publisher.terminate()
        with suppress(subprocess.TimeoutExpired):
            publisher.wait(END_LIMIT_S)
    if publisher.poll() is None:
        publisher.kill()
    publisher.wait()
    if publisher.stdout:
        publisher.stdout.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit("usage: python -m loadtests.live_publisher rtmp://host/live/KEY …")
    raise SystemExit(publish(sys.argv[1:]))
