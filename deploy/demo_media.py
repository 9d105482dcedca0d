"""Lessons for the demo city, drawn by ffmpeg's own generators: no font, no file from elsewhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from catalog.errors import TongbuError

GENERATE_LIMIT_S = 180.0


class DemoError(TongbuError):
    """The demo city cannot be made."""


@dataclass(frozen=True, slots=True)
class DemoLesson:
    """What a demo lesson shows and says, and how ffmpeg draws it: a graph with [v] and [a]."""

    title: str
    series: str
    stage: str
    grade: str
    subject: str
    chapter: str
    tags: tuple[str, ...]
    duration_s: int
    graph: str


_CHORD = "aevalsrc='0.15*sin(2*PI*(220+110*mod(floor(t/2),4))*t)*exp(-1.2*mod(t,2))':s=48000[a]"

LESSONS = (
    DemoLesson(
        "康威生命游戏：四条规则里的世界", "青快学", "初中", "八年级", "信息科技", "算法与模拟",
        ("算法", "元胞自动机", "重难点"), 24,
        "life=s=320x180:mold=12:r=25:ratio=0.12:seed=7:death_color=#0B3C5D:life_color=#FFFFFF"
        ":mold_color=#0B6E99,scale=1280:720:flags=neighbor,format=yuv420p[v];" + _CHORD,
    ),
    DemoLesson(
        "谢尔宾斯基地毯：面积去哪儿了", "青快学", "高中", "高二", "数学", "数列与极限",
        ("分形", "等比数列", "极限"), 20,
        "sierpinski=s=1280x720:r=15:seed=3,format=yuv420p[v];" + _CHORD,
    ),
    DemoLesson(
        "曼德博集合：复数平面上的旅行", "名师空中课堂", "高中", "高一", "数学", "复数",
        ("复数", "迭代", "分形"), 24,
        "mandelbrot=s=640x360:r=25,scale=1280:720,format=yuv420p[v];" + _CHORD,
    ),
    DemoLesson(
        "看得见的声音：频率与音高", "名师导学", "初中", "八年级", "物理", "声现象",
        ("声音", "频率", "实验"), 24,
        "aevalsrc='0.25*sin(2*PI*110*pow(2,floor(t)/12)*t)':s=48000,asplit[a][w];"
        "[w]showwaves=s=1280x720:mode=cline:colors=0x2AA9DB:r=25,format=yuv420p[v]",
    ),
)  # fmt: skip


async def draw(lesson: DemoLesson, path: Path) -> None:
    """Draw the lesson's video to an MP4 file. Raises: DemoError with ffmpeg's last words."""
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y",
        "-filter_complex", lesson.graph, "-map", "[v]", "-map", "[a]", "-t", str(lesson.duration_s),
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-g", "100", "-c:a", "aac",
        f"file:{path}",
        stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(GENERATE_LIMIT_S):
            _, stderr = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise DemoError(f"ffmpeg could not draw 《{lesson.title}》: {stderr.decode()[-300:]}")
