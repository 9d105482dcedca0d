"""CPU, wall time, bytes and quality against PeerTube's and MediaCMS' settings, in one run.

    python -m loadtests.encode_bench                      the three kinds, a minute of 1080p each
    python -m loadtests.encode_bench slides --seconds 12  one kind, other length
    python -m loadtests.encode_bench --plot docs/vmaf.svg writes the picture too

Each arm encodes the same file. "Five rungs": 1080/720/480/360/240 with each one's own settings.
"Ours" runs `python -m transcoder encode`, so its figures hold the probe, the sandbox and Python.
VMAF is against the source at 1080p. "Side" is all that is not the ladder of a five-minute lesson:
thumbnails, poster, chapters, and the whole of the planning, of which the loudness is a part. Goals
stand in the table; the run ends with 1 when one is missed, with --judge.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.lectures import Lecture, describe, ffmpeg, make
from loadtests.peer_encoders import RUNGS, Footage, mediacms, peertube
from loadtests.vmaf_plot import Panel, svg

KINDS = ("slides", "slides_with_face", "camera")
FRAME_RATE = 30
CAMERA_BITRATE = "12M"
SIDE_KIND, SIDE_SECONDS = "slides", 300
NICE = 10
GOOD_VMAF = 93.0
ENOUGH = {"cpu/PeerTube": 0.50, "cpu/MediaCMS": 0.40, "wall/PeerTube": 0.45,
          "bytes/PeerTube": 0.40, "viewer bytes/PeerTube": 0.40, "side": 0.03}  # fmt: skip
VIDEO_NAME = re.compile(r"^(\d+p(-low|-av1)?|\d+)\.mp4$")


@dataclass(frozen=True, slots=True)
class Cost:
    """What an arm used: seconds of CPU and of wall time, bytes that it left."""

    cpu_s: float
    wall_s: float
    size_bytes: int


def run(commands: Sequence[Sequence[str]], folder: Path, nice: int = NICE) -> Cost:
    """Run commands one after the other; count their children too."""
    folder.mkdir(parents=True, exist_ok=True)
    cpu_s, began = 0.0, time.monotonic()
    for command in commands:
        child = subprocess.Popen(["nice", "-n", str(nice), *command])
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise SystemExit(f"{command[0]} ended with {child.returncode}")
        cpu_s += usage.ru_utime + usage.ru_stime
    wall_s = time.monotonic() - began
    size_bytes = sum(path.stat().st_size for path in folder.glob("*.mp4"))
    return Cost(cpu_s, wall_s, size_bytes)


def ours(source: Path, folder: Path, *options: str) -> Cost:
    """Run our encoder; its sandbox makes it as nice as the others."""
    command = [sys.executable, "-m", "transcoder", "encode", str(source), str(folder), *options]
    return run([command], folder, nice=0)


def video_bps(path: Path, duration_s: float) -> float:
    """Give the mean bits a second of a file's picture alone."""
    copy = [ffmpeg(), "-v", "error", "-i", str(path), "-map", "0:v:0", "-c", "copy", "-f", "data"]
    return (
        8 * len(subprocess.run([*copy, "-"], capture_output=True, check=True).stdout) / duration_s
    )


def vmaf(path: Path, source: Path) -> float:
    """Compare a file's picture, scaled up to 1080p, with the source's."""
    scale = "scale=1920:1080:flags=bicubic,setsar=1"
    graph = f"[0:v]{scale},fps={FRAME_RATE}[a];[1:v]{scale},fps={FRAME_RATE}[b];"
    graph += "[a][b]libvmaf=n_subsample=8:n_threads=2"
    command = ["nice", "-n", str(NICE), ffmpeg(), "-nostdin", "-hide_banner", "-i", str(path)]
    command += ["-i", str(source), "-lavfi", graph, "-f", "null", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
    found = re.search(r"VMAF score: ([\d.]+)", said)
    return float(found[1]) if found else 0.0


def footage(kind: str, seconds: int, cache: Path) -> Footage:
    """Make the lecture as a recorder would hand it in (a camera has its own encoder's noise)."""
    lecture = make(
        Lecture(kind, seconds, 1920, 1080, FRAME_RATE, 5.0), cache / f"{kind}-{seconds}.raw.mp4"
    )
    path = cache / f"{kind}-{seconds}.mp4"
    if not path.exists():
        rate = ["-b:v", CAMERA_BITRATE] if kind == "camera" else ["-crf", "20"]
        command = [ffmpeg(), "-v", "error", "-y", "-i", str(lecture), "-c:v", "libx264", *rate]
        command += ["-preset", "veryfast", "-g", "120", "-c:a", "copy"]
        half = path.with_suffix(".half.mp4")
        subprocess.run([*command, str(half)], check=True)
        half.rename(path)
    return Footage(path, FRAME_RATE, 8 * path.stat().st_size / seconds)


def points(folder: Path, source: Path, seconds: int, ending: str = "") -> list[tuple[float, float]]:
    """Give (kbit/s, VMAF) of each video file whose name has the ending."""
    found = []
    for path in sorted(folder.glob(f"*{ending}.mp4")):
        name = VIDEO_NAME.match(path.name)
        if name and (name[2] or "") in (ending, ending or "-low"):
            rate = video_bps(path, seconds) / 1000
            found.append((round(rate, 1), round(vmaf(path, source), 2)))
    return found


def measure(kind: str, seconds: int, cache: Path, folder: Path) -> tuple[dict[str, float], Panel]:
    """Measure one kind: ratios against the goals, and points for the picture."""
    film = footage(kind, seconds, cache)
    sizes = ",".join(str(height) for height in RUNGS)

    def arm(name: str, *options: str) -> Cost:
        return _told(f"{kind}: {name}", ours(film.path, folder / name, *_alike(kind), *options))

    five = arm("five", "--no-side", "--rungs", sizes)
    tube = run([peertube(film, h, folder / "tube") for h in RUNGS], folder / "tube")
    cms = run([mediacms(film, h, folder / "cms") for h in RUNGS], folder / "cms")
    _told(f"{kind}: PeerTube", tube)
    _told(f"{kind}: MediaCMS", cms)
    arm("ladder", "--no-side")
    arm("late", "--late-only")
    panel = {
        "Tongbu": points(folder / "ladder", film.path, seconds),
        "Tongbu AV1": points(folder / "late", film.path, seconds, "-av1"),
        "PeerTube": points(folder / "tube", film.path, seconds),
        "MediaCMS": points(folder / "cms", film.path, seconds),
    }
    ratios = {
        "cpu/PeerTube": five.cpu_s / tube.cpu_s,
        "cpu/MediaCMS": five.cpu_s / cms.cpu_s,
        "wall/PeerTube": five.wall_s / tube.wall_s,
        "bytes/PeerTube": five.size_bytes / tube.size_bytes,
    }
    if kind == SIDE_KIND:
        ratios["side"] = side_share(kind, cache, folder)
    if kind != "camera":
        ratios["viewer bytes/PeerTube"], ratios["viewer VMAF"] = viewer(folder, film.path)
    return ratios, panel


def side_share(kind: str, cache: Path, folder: Path) -> float:
    """Give the CPU of planning and side products as a share of the ladder's, sound included."""
    source = footage(kind, SIDE_SECONDS, cache).path

    def arm(name: str, *options: str) -> float:
        cost = ours(source, folder / name, *_alike(kind), *options)
        return _told(f"{kind}, {SIDE_SECONDS} s: {name}", cost).cpu_s

    plan_s, ladder_s = arm("long-plan", "--plan-only"), arm("long-ladder", "--no-side")
    return (arm("long-side") - ladder_s + plan_s) / (ladder_s - plan_s)


def _alike(kind: str) -> tuple[str, ...]:
    """Give the options that every arm of ours has: one chunk, and the kind that was drawn."""
    return ("--whole", "--kind", kind)


def _told(name: str, cost: Cost) -> Cost:
    """Say at once what an arm cost."""
    told = f"{cost.cpu_s:.1f} s CPU, {cost.wall_s:.1f} s wall, {cost.size_bytes // 1000} kB"
    sys.stderr.write(f"{name}: {told}\n")
    return cost


def viewer(folder: Path, source: Path) -> tuple[float, float]:
    """Compare what a 1080p viewer loads, sound included, at the cheapest rung that is good."""
    sound = (folder / "ladder" / "opus.mp4").stat().st_size
    good = []
    for name in ("1080p-low.mp4", "1080p.mp4"):
        quality = vmaf(folder / "ladder" / name, source)
        good.append((quality, (folder / "ladder" / name).stat().st_size))
        if quality >= GOOD_VMAF:
            break
    quality, size = good[-1]
    peer = (folder / "tube" / "1080.mp4").stat().st_size
    return (size + sound) / peer, quality


def main() -> int:
    """Measure, print the table, draw the picture."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.encode_bench")
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--points", type=Path, help="keep points here, over several runs")
    parser.add_argument("--judge", action="store_true", help="end with 1 when a goal is missed")
    options = parser.parse_args()
    cache = Path(tempfile.gettempdir()) / "tongbu-bench"
    stored = options.points and options.points.exists()
    panels: dict[str, Panel] = json.loads(options.points.read_text()) if stored else {}
    missed = 0
    print(f"{options.seconds} s of 1080p: {describe()}\n\n| kind | measure | ours | goal |")
    print("|---|---|---|---|")
    for kind in options.kinds:
        with tempfile.TemporaryDirectory(prefix="tongbu-encode-") as folder:
            ratios, panels[kind] = measure(kind, options.seconds, cache, Path(folder))
        for name, value in ratios.items():
            goal = ENOUGH.get(name)
            missed += goal is not None and value > goal
            print(f"| {kind} | {name} | {value:.2f} | {f'≤ {goal}' if goal else ''} |", flush=True)
    if options.points:
        options.points.write_text(json.dumps(panels))
    if options.plot:
        options.plot.write_text(svg(panels), "utf-8")
    return 1 if options.judge and missed else 0


if __name__ == "__main__":
    sys.exit(main())
