"""`python -m transcoder encode FILE DIRECTORY`: plan a video and encode it, without a service."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import msgspec

from catalog.errors import TongbuError
from transcoder import ladder
from transcoder.encode_file import Encoded, FileEncoder
from transcoder.plan import Chunk, ContentKind, EncodePlan
from transcoder.prepare import Prepared, prepare

EX_FAILED, EX_USAGE = 1, 2
PICTURE_KINDS = tuple(kind.value for kind in ContentKind if kind is not ContentKind.AUDIO_ONLY)


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m transcoder", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    encode = commands.add_parser("encode", help="plan a video and encode it into a directory")
    encode.add_argument("file", type=Path)
    encode.add_argument("directory", type=Path)
    encode.add_argument("--plan-only", action="store_true", help="write plan.json and stop")
    encode.add_argument("--whole", action="store_true", help="do not cut into chunks")
    encode.add_argument("--late", action="store_true", help="make the AV1 rung too")
    encode.add_argument("--late-only", action="store_true", help="make the AV1 rung alone")
    encode.add_argument("--no-audio", action="store_true", help="leave the sound out")
    encode.add_argument("--no-side", action="store_true", help="no thumbnails, poster, chapters")
    encode.add_argument("--kind", choices=PICTURE_KINDS, help="what the picture is")
    encode.add_argument("--rungs", help="short sides in place of the ladder, as 1080,720,480")
    return parser.parse_args(arguments)


def changed(prepared: Prepared, options: argparse.Namespace) -> EncodePlan:
    """Give the plan as the options want it."""
    plan, track = prepared.plan, prepared.probe.video
    if plan.video is None or track is None:
        return plan
    video = plan.video
    if options.late_only:
        video = replace(video, rungs=video.late_rungs)
        plan = replace(plan, audio=None, side=None)
    if options.whole:
        video = replace(video, chunks=(Chunk(0, 0, None, True),))
    if options.rungs:
        sides = tuple(int(side) for side in options.rungs.split(","))
        video = replace(video, rungs=ladder.fixed_rungs(plan.kind, track.display_px, sides))
    return replace(plan, video=video)


def write_plan(directory: Path, prepared: Prepared, plan: EncodePlan, encoded: Encoded) -> None:
    """Write plan.json: facts, plan, and what came out beside the renditions."""
    directory.mkdir(parents=True, exist_ok=True)
    told = {
        "probe": msgspec.to_builtins(prepared.probe),
        "plan": msgspec.to_builtins(plan),
        "sheets": encoded.sheets,
        "chapters": msgspec.to_builtins(encoded.chapters),
    }
    text = json.dumps(told, ensure_ascii=False, indent=2)
    (directory / "plan.json").write_text(text + "\n", "utf-8")


async def work(options: argparse.Namespace) -> None:
    """Plan, and encode unless only the plan is wanted."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    source = await asyncio.to_thread(options.file.resolve, strict=True)
    kind = ContentKind(options.kind) if options.kind else None
    prepared = await prepare(ffmpeg, source, kind)
    plan = changed(prepared, options)
    encoded = Encoded([], ())
    if not options.plan_only:
        encoder = FileEncoder(ffmpeg, source, plan, options.directory, _tell(plan.duration_s))
        encoded = await encoder.encode(
            audio=not options.no_audio, side=not options.no_side, late=options.late
        )
    await asyncio.to_thread(write_plan, options.directory, prepared, plan, encoded)


def _tell(duration_s: float) -> Callable[[float], None]:
    """Show how far the encoding is, when somebody looks."""

    def tell(done_s: float) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{min(100, 100 * done_s / duration_s):5.1f} %")

    return tell


def main(arguments: list[str]) -> int:
    """Run the command; a bad source is one clear sentence."""
    try:
        asyncio.run(work(parse(arguments)))
    except FileNotFoundError as error:
        sys.stderr.write(f"no such file: {error.filename}\n")
        return EX_USAGE
    except TongbuError as error:
        sys.stderr.write(f"{error}\n")
        return EX_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
