"""Files that are broken, or that want something: each maker writes one from a plain lesson."""

from __future__ import annotations

import random
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg

Maker = Callable[[Path, Path], None]
CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref", b"stbl")


def run_ffmpeg(*arguments: str) -> None:
    """Run the packaged ffmpeg."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    subprocess.run(command, check=True, capture_output=True)


def faststart(plain: Path) -> bytes:
    """Give a lesson's bytes with its header in front."""
    path = plain.with_name("faststart.mp4")
    if not path.exists():
        run_ffmpeg("-i", str(plain), "-c", "copy", "-movflags", "+faststart", str(path))
    return path.read_bytes()


def text(content: str) -> Maker:
    """Write text under a video's name."""

    def write(path: Path, _plain: Path) -> None:
        path.write_text(content)

    return write


def zero(path: Path, _plain: Path) -> None:
    path.write_bytes(b"")


def noise(path: Path, _plain: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(60_000))


def cut_header_first(path: Path, plain: Path) -> None:
    data = faststart(plain)
    path.write_bytes(data[: len(data) * 2 // 5])


def cut_a_little(path: Path, plain: Path) -> None:
    data = faststart(plain)
    path.write_bytes(data[: len(data) * 97 // 100])


def cut_header_last(path: Path, plain: Path) -> None:
    data = plain.read_bytes()
    path.write_bytes(data[: len(data) * 9 // 10])


def scrambled(path: Path, plain: Path) -> None:
    """Keep the headers and replace every sample's bytes."""
    data = bytearray(faststart(plain))
    at = data.find(b"mdat") + 4
    data[at:] = random.Random(2).randbytes(len(data) - at)
    path.write_bytes(data)


def damaged(path: Path, plain: Path) -> None:
    """Spoil a few bytes in the middle of the samples."""
    data = bytearray(faststart(plain))
    for at in range(len(data) // 2, len(data) * 3 // 4, 997):
        data[at] ^= 0xFF
    path.write_bytes(data)


def no_frames(path: Path, _plain: Path) -> None:
    """Keep a fragmented file's header and none of its fragments."""
    source = "testsrc2=size=320x180:rate=10:duration=1"
    flags = ["-movflags", "+frag_keyframe+empty_moov", "-f", "mp4"]
    run_ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", *flags, str(path))
    data = path.read_bytes()
    path.write_bytes(data[: data.find(b"moof") - 4])


def absurd_duration(path: Path, plain: Path) -> None:
    """Let every header say that the lesson lasts for months."""
    data = bytearray(plain.read_bytes())
    for name, offset in ((b"mvhd", 20), (b"tkhd", 24), (b"mdhd", 20)):
        at = data.find(name)
        while at > 0:
            struct.pack_into(">I", data, at + offset - 4 + 4, 0xFFFFFFF0)
            at = data.find(name, at + 4)
    path.write_bytes(data)


def absurd_dimensions(path: Path, plain: Path) -> None:
    """Let the sample entry say 65535×65535 pixels. Spec: ISO/IEC 14496-12 12.1.3.2."""
    data = bytearray(plain.read_bytes())
    struct.pack_into(">HH", data, data.find(b"avc1\0\0\0\0\0\0") + 28, 0xFFFF, 0xFFFF)
    path.write_bytes(data)


def gap_bomb(path: Path, _plain: Path) -> None:
    """Put the third of three frames twenty hours later."""
    source = "testsrc2=size=320x180:duration=1:rate=3,setpts='if(eq(N,2),36000/TB,N)'"
    encode = ["-fps_mode", "passthrough", "-c:v", "libx264", "-bf", "0"]
    run_ffmpeg("-f", "lavfi", "-i", source, *encode, str(path))


def pixel_bomb(path: Path, _plain: Path) -> None:
    """Write 16384×8640 pixels of one colour: small in bytes, a gigabyte decoded."""
    source = "color=size=16384x8640:rate=1:duration=1"
    run_ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", str(path))


def eight_k(path: Path, _plain: Path) -> None:
    source = "color=size=7680x4320:rate=2:duration=1"
    run_ffmpeg("-f", "lavfi", "-i", source, "-c:v", "libx264", "-preset", "ultrafast", str(path))


def external_reference(path: Path, plain: Path) -> None:
    """Let the sample tables say that the samples lie in another file.

    Spec: ISO/IEC 14496-12 8.7.2 (data reference box).
    """
    location = f"file://{plain}".encode() + b"\0"
    box = struct.pack(">I4sI", 12 + len(location), b"url ", 0) + location
    path.write_bytes(_replace(plain.read_bytes(), box))


def _replace(data: bytes, box: bytes) -> bytes:
    """Put box in place of every 'url ' entry, growing the boxes around it."""
    out, at = b"", 0
    while at + 8 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        if name in CONTAINERS:
            lead = 8 if name == b"dref" else 0
            body = body[:lead] + _replace(body[lead:], box)
        out += box if name == b"url " else struct.pack(">I4s", 8 + len(body), name) + body
        at += max(8, size)
    return out


def cover_art(path: Path, _plain: Path) -> None:
    """Write sound with a picture attached."""
    picture = path.with_suffix(".jpg")
    run_ffmpeg(
        "-f", "lavfi", "-i", "testsrc2=size=64x64:duration=1:rate=1", "-frames:v", "1", str(picture)
    )
    inputs = ["-f", "lavfi", "-i", "sine=duration=3", "-i", str(picture)]
    attach = [
        "-map",
        "0",
        "-map",
        "1",
        "-c:a",
        "aac",
        "-c:v",
        "copy",
        "-disposition:v:0",
        "attached_pic",
    ]
    run_ffmpeg(*inputs, *attach, "-f", "mp4", str(path))


def pointing(form: str) -> Maker:
    """Write a text that names the plain lesson beside it."""

    def write(path: Path, plain: Path) -> None:
        path.write_text(form.format(path=plain, name=plain.name))

    return write


MAKERS: dict[str, Maker] = {
    "zero": zero,
    "text": text("This is a text, not a video.\n" * 40),
    "noise": noise,
    "cut_header_first": cut_header_first,
    "cut_header_last": cut_header_last,
    "cut_a_little": cut_a_little,
    "scrambled": scrambled,
    "damaged": damaged,
    "no_frames": no_frames,
    "absurd_duration": absurd_duration,
    "absurd_dimensions": absurd_dimensions,
    "gap_bomb": gap_bomb,
    "pixel_bomb": pixel_bomb,
    "eight_k": eight_k,
    "external_reference": external_reference,
    "cover_art": cover_art,
    "hls": pointing("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:6,\n{path}\n#EXT-X-ENDLIST\n"),
    "hls_network": text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:6,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n"
    ),
    "concat": pointing("ffconcat version 1.0\nfile {name}\n"),
    "subfile": pointing("ffconcat version 1.0\nfile 'subfile,,start,0,end,9000,,:file:{path}'\n"),
    "hls_subfile": pointing(
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:6,\nsubfile,,start,0,end,9000,,:{path}\n"
        "#EXT-X-ENDLIST\n"
    ),
    "mpd": pointing(
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT6S"><Period><AdaptationSet mimeType="video/mp4">'
        '<Representation id="1" bandwidth="1"><BaseURL>{path}</BaseURL></Representation>'
        "</AdaptationSet></Period></MPD>"
    ),
    "sdp": text("v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 33\n"),
    "svg": pointing('<svg xmlns="http://www.w3.org/2000/svg"><image href="{path}"/></svg>'),
}
