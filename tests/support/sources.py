"""Small lessons and hostile files, made with the packaged ffmpeg when first asked for.

`Media` is a session fixture: `media.path("slides")` gives the file of that name. Recipes are either
ffmpeg arguments (RECIPES) or functions that write or damage bytes (tests/support/hostile.py).
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg

from tests.support import hostile

X264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-b:a", "64k"]
TONE = ["-f", "lavfi", "-i", "sine=frequency=440:duration=6"]
PATTERN = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=6"]
ROOM = "perlin=size={size}:rate=25:octaves=6:persistence=0.6:tscale=0.5"
CAMERA = ROOM + ",scale=640:360,format=yuv420p,noise=alls=6:allf=t"
BEEPS = "sine=frequency=1000:beep_factor=4:duration=6"

# A flash of white at 3 s together with a beep at 3 s: what stays in step is seen and heard.
FLASH = (
    "color=black:size=320x180:rate=30:duration=6,drawbox=c=white:t=fill:enable='between(t,3,3.2)'"
)
CLICK = "aevalsrc='if(between(t,3,3.2),0.5*sin(2*PI*1000*t),0)':s=48000:d=6"

RECIPES: dict[str, list[str]] = {
    "plain": [*PATTERN, *TONE, *X264, "-g", "60", *AAC],
    "long_gop": [*PATTERN, *TONE, *X264, "-g", "600", *AAC],
    "no_audio": [*PATTERN, *X264],
    "mono": [*PATTERN, *TONE, *X264, *AAC, "-ac", "1"],
    "audio_only": [*TONE, *AAC],
    "camera": [
        "-f",
        "lavfi",
        "-i",
        CAMERA.format(size="160x90"),
        *TONE,
        "-t",
        "6",
        *X264,
        "-crf",
        "28",
        *AAC,
    ],
    "portrait": ["-f", "lavfi", "-i", "testsrc2=size=180x320:rate=30:duration=4", *X264],
    "odd": [
        *["-f", "lavfi", "-i", "testsrc2=size=321x181:rate=30:duration=4", "-c:v", "libx264"],
        *["-preset", "veryfast", "-pix_fmt", "yuv444p"],
    ],
    "twelve_minutes": [
        *["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=5:duration=720", *X264, "-g", "25"],
    ],
    "tiny": ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=10:duration=2", *X264],
    "ten_bit_hevc": [
        *["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=3", "-c:v", "libx265"],
        *["-preset", "ultrafast", "-x265-params", "log-level=none", "-pix_fmt", "yuv420p10le"],
    ],
    "variable_rate": [
        *["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=6"],
        *["-vf", "select='if(lt(t,2),1,if(lt(t,4),not(mod(n,3)),not(mod(n,15))))'"],
        *["-fps_mode", "vfr", *X264],
    ],
    "late_video": [
        *["-f", "lavfi", "-i", FLASH, "-f", "lavfi", "-i", CLICK],
        *["-filter_complex", "[0:v]trim=start=2[v]", "-map", "[v]", "-map", "1:a"],
        *["-fps_mode", "passthrough", *X264, "-g", "30", *AAC],
    ],
    "late_audio": [
        *["-f", "lavfi", "-i", FLASH, "-f", "lavfi", "-i", CLICK],
        *["-filter_complex", "[1:a]atrim=start=1[a]", "-map", "0:v", "-map", "[a]"],
        *[*X264, "-g", "30", *AAC],
    ],
    "short_video": [*PATTERN[:3], "testsrc2=size=320x180:rate=30:duration=3", *TONE, *X264, *AAC],
    "interlaced": [
        *["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=50:duration=3"],
        *["-vf", "interlace=scan=tff,setfield=tff", *X264, "-flags", "+ildct+ilme"],
    ],
    "anamorphic": [*PATTERN[:3], "testsrc2=size=240x180:rate=25:duration=3,setsar=4/3", *X264],
    "fifty": [*PATTERN[:3], "testsrc2=size=320x180:rate=50:duration=3", *X264],
    "ntsc": [*PATTERN[:3], "testsrc2=size=320x180:rate=60000/1001:duration=3", *X264],
    "hlg": [
        *[*PATTERN[:3], "testsrc2=size=320x180:rate=25:duration=2", "-vf"],
        "setparams=color_trc=arib-std-b67:color_primaries=bt2020:colorspace=bt2020nc",
        *X264,
    ],
    "surround": [
        *[*PATTERN, "-f", "lavfi", "-i", "sine=duration=6,pan=5.1|c2=c0", *X264, *AAC, "-ac", "6"],
    ],
    "stereo": [
        *[*PATTERN, "-f", "lavfi", "-i", "sine=frequency=300:duration=6"],
        *["-f", "lavfi", "-i", "sine=frequency=900:duration=6"],
        *["-filter_complex", "[1:a][2:a]join=inputs=2:channel_layout=stereo[a]"],
        *["-map", "0:v", "-map", "[a]", *X264, *AAC],
    ],
    "left_only": [
        *[*PATTERN, "-f", "lavfi", "-i", "sine=duration=6,pan=stereo|c0=c0", *X264, *AAC],
    ],
    "quiet": [*PATTERN, "-f", "lavfi", "-i", "sine=duration=6,volume=-40dB", *X264, *AAC],
}
SUFFIX = {"audio_only": ".m4a", "variable_rate": ".mkv", "interlaced": ".ts"}
SLIDE_SECONDS, SLIDE_RATE = 12, 10


def ffmpeg(*arguments: str, stdin: bytes | None = None) -> None:
    """Run the packaged ffmpeg; its complaint is the test's."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    if stdin is not None:
        command.remove("-nostdin")
    done = subprocess.run(command, input=stdin, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def slide(width: int, height: int, seed: int) -> bytearray:
    """Draw a gray page with rows of stroked marks as dense as characters."""
    page = bytearray([245]) * (width * height)
    draw = random.Random(seed)
    mark = height // 15
    for top in range(mark, height - 2 * mark, mark * 2):
        for left in range(mark, draw.randrange(width // 2, width - 2 * mark), mark + 4):
            for _ in range(5):
                x, y = left + draw.randrange(mark), top + draw.randrange(mark)
                long = draw.randrange(3, mark)
                for step in range(long):
                    across = draw.random() < 0.01
                    at = (y * width + min(x + step, width - 1)) if not across else y * width + x
                    page[at] = page[at + width] = 20
    return page


def slides(path: Path, face: bool) -> None:
    """Encode three pages of four seconds, with a talking head in a corner if wanted."""
    width, height = 640, 360
    pages = [slide(width, height, seed) for seed in (1, 2, 3)]
    raw = b"".join(bytes(page) * (SLIDE_RATE * SLIDE_SECONDS // 3) for page in pages)
    page_in = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{width}x{height}"]
    page_in += ["-r", str(SLIDE_RATE), "-i", "-"]
    head = ROOM.format(size="160x120").replace("rate=25", f"rate={SLIDE_RATE}")
    mix = ["-f", "lavfi", "-i", head + ",format=yuv420p,noise=alls=5:allf=t"]
    mix += ["-filter_complex", "[0:v][1:v]overlay=x=W-w-10:y=H-h-10:shortest=1,fps=25"]
    ffmpeg(
        *page_in, *(mix if face else ["-vf", "fps=25"]), *X264, "-crf", "20", str(path), stdin=raw
    )


class Media:
    """Makes each file once a session, in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._makers: dict[str, Callable[[Path], None]] = {
            "slides": lambda path: slides(path, face=False),
            "slides_with_face": lambda path: slides(path, face=True),
        }

    def path(self, name: str) -> Path:
        """Give the file of that name."""
        path = self.directory / (name + SUFFIX.get(name, ".mp4"))
        if not path.exists():
            maker = self._makers.get(name)
            if maker:
                maker(path)
            elif name in hostile.MAKERS:
                hostile.MAKERS[name](path, self.path("plain"))
            elif name == "rotated":
                turn = ["-display_rotation", "90", "-i", str(self.path("plain")), "-c", "copy"]
                ffmpeg(*turn, str(path))
            else:
                ffmpeg(*RECIPES[name], str(path))
        return path
