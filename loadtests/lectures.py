"""Lecture-like videos made with ffmpeg: slides with Chinese text, a talking head, speech.

Used by the benches only; nothing of it is kept. Text needs a CJK font (Debian: fonts-noto-cjk) and
speech needs espeak-ng; without them slides are coloured plates and the voice is a modulated tone,
and `describe` says so, so that a figure is never taken for more than it is.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
)
SLIDES = (
    "第一节 勾股定理的发现", "直角三角形两直角边的平方和等于斜边的平方", "例题 1 已知两边求第三边",
    "第二节 证明：赵爽弦图", "面积法 拼图验证", "练习 完成课本第 24 页第 3 题",
    "第三节 在生活中的应用", "梯子靠墙问题", "小结与作业",
)  # fmt: skip
SPEECH = "同学们好，今天我们学习勾股定理。请大家看黑板上的直角三角形，想一想三条边有什么关系。"


@dataclass(frozen=True, slots=True)
class Lecture:
    """A video to make; kind is slides, slides_with_face or camera."""

    kind: str
    duration_s: int
    width_px: int
    height_px: int
    frame_rate: int
    slide_s: float = 12.0


def ffmpeg() -> str:
    """Path of the ffmpeg that the service uses too."""
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def describe() -> str:
    """Say what the picture and the voice are made of on this machine."""
    font = "Chinese text" if _font() else "plates without text (no CJK font)"
    voice = "espeak-ng speech" if shutil.which("espeak-ng") else "a modulated tone (no espeak-ng)"
    return f"{font}, {voice}"


def make(lecture: Lecture, path: Path) -> Path:
    """Encode the lecture to an MP4 as a screen recorder or camera would, once; give the path."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half.mp4")
    subprocess.run(
        [ffmpeg(), "-nostdin", "-v", "error", "-y", *_voice(path.parent),
         "-filter_complex", _GRAPHS[lecture.kind](lecture), "-map", "[v]", "-map", "0:a",
         "-t", str(lecture.duration_s), "-c:v", "libx264", "-preset", "ultrafast",
         "-crf", "20", "-g", str(lecture.frame_rate * 4), "-pix_fmt", "yuv420p",
         "-c:a", "aac", "-b:a", "96k", "-movflags", "+faststart", f"file:{half}"],
        check=True,
    )  # fmt: skip
    half.rename(path)
    return path


def _voice(folder: Path) -> list[str]:
    if not shutil.which("espeak-ng"):
        tone = "aevalsrc='0.2*sin(2*PI*180*t)*(0.6+0.4*sin(2*PI*3*t))':s=48000"
        return ["-f", "lavfi", "-i", tone]
    spoken = folder / "speech.wav"
    if not spoken.exists():
        subprocess.run(["espeak-ng", "-v", "cmn", "-s", "140", "-w", spoken, SPEECH], check=True)
    return ["-stream_loop", "-1", "-i", str(spoken)]


def _font() -> str | None:
    return next((font for font in FONTS if Path(font).exists()), None)


def _slides(lecture: Lecture) -> str:
    size = f"{lecture.width_px}x{lecture.height_px}"
    plate = (
        f"color=c=0xF7F4EC:s={size}:r={lecture.frame_rate},"
        f"drawbox=x=0:y=0:w=iw:h=ih/7:c=0x0B6E99:t=fill,"
        f"drawbox=x='iw*0.08':y='ih*0.78':w='iw*mod(floor(t/{lecture.slide_s})\\,9)/10+8'"
        ":h=8:c=0xC0392B:t=fill"
    )
    font = _font()
    if font is None:
        return plate
    total = len(SLIDES) * lecture.slide_s
    for index, text in enumerate(SLIDES):
        start = index * lecture.slide_s
        shown = f"between(mod(t\\,{total})\\,{start}\\,{start + lecture.slide_s - 0.001})"
        plate += (
            f",drawtext=fontfile={font}:text='{text}':fontsize=h/18:fontcolor=0x1B2631"
            f":x=w*0.08:y=h*(0.30+0.05*{index % 3}):enable='{shown}'"
            f",drawtext=fontfile={font}:text='{SPEECH[index * 3 : index * 3 + 24]}'"
            f":fontsize=h/28:fontcolor=0x34495E:x=w*0.08:y=h*0.52:enable='{shown}'"
        )
    return plate


def _slides_graph(lecture: Lecture) -> str:
    return _slides(lecture) + "[v]"


def _face(lecture: Lecture, width: int) -> str:
    """A head that nods and moves its mouth before a noisy wall."""
    height = width * 3 // 4
    return (
        f"color=c=0x8A9BA8:s={width}x{height}:r={lecture.frame_rate},noise=alls=9:allf=t,"
        "geq=lum='if(lt(hypot(X-W/2-8*sin(2*PI*T/3)\\,(Y-H/2-6*sin(2*PI*T/2))*0.8)\\,H/3)\\,"
        "150+20*sin(X/9)\\,lum(X\\,Y))':cb='cb(X\\,Y)':cr='if(lt(hypot(X-W/2-8*sin(2*PI*T/3)\\,"
        "(Y-H/2-6*sin(2*PI*T/2))*0.8)\\,H/3)\\,150\\,cr(X\\,Y))',format=yuv420p"
    )


def _face_graph(lecture: Lecture) -> str:
    return (
        f"{_slides(lecture)}[s];{_face(lecture, lecture.width_px // 4)}[f];"
        "[s][f]overlay=x=W-w-24:y=H-h-24,format=yuv420p[v]"
    )


def _camera_graph(lecture: Lecture) -> str:
    small = 320
    return (
        f"{_slides(lecture)},scale=iw*1.1:-2,crop=iw/1.1:ih/1.1"
        f":x='(iw-ow)/2+20*sin(t/2)':y='(ih-oh)/2+10*sin(t/3)',eq=brightness=-0.15,"
        f"noise=alls=14:allf=t+u[s];{_face(lecture, small)},scale={lecture.width_px // 3}:-2[f];"
        "[s][f]overlay=x='W*0.3+W*0.1*sin(t/4)':y=H-h,format=yuv420p[v]"
    )


_GRAPHS = {"slides": _slides_graph, "slides_with_face": _face_graph, "camera": _camera_graph}
