import pytest

from streaming.errors import BadMedia
from streaming.isobmff import codecs
from streaming.isobmff.box import BoxStream
from tests.support.cmaf import esds


@pytest.mark.parametrize(
    ("config", "text"),
    [("01640028", "avc1.640028"), ("0142c01e", "avc1.42c01e"), ("014d401f", "avc1.4d401f")],
)
def test_avc(config: str, text: str) -> None:
    assert codecs.avc("avc1", memoryview(bytes.fromhex(config))) == text


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("810800", "av01.0.08M.08"),
        ("810880", "av01.0.08H.08"),
        ("810540", "av01.0.05M.10"),
        ("814d60", "av01.2.13M.12"),
    ],
)
def test_av1(config: str, text: str) -> None:
    assert codecs.av1(memoryview(bytes.fromhex(config))) == text


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("010160000000900000000000" + "3c", "hvc1.1.6.L60.90"),
        ("01022000000090000000000099", "hvc1.2.4.L153.90"),
        ("014120000000000000000000" + "5d", "hvc1.A1.4.L93"),
        ("016120000000b000000000015d", "hvc1.A1.4.H93.B0.0.0.0.0.1"),
    ],
)
def test_hevc(config: str, text: str) -> None:
    assert codecs.hevc("hvc1", memoryview(bytes.fromhex(config))) == text


def esds_payload(object_type: int, audio: int) -> memoryview:
    (found,) = BoxStream().feed(esds(object_type, audio))
    return found.payload


@pytest.mark.parametrize(
    ("object_type", "audio", "text"),
    [(0x40, 2 << 11, "mp4a.40.2"), (0x40, 5 << 11, "mp4a.40.5"), (0x40, 0xF940, "mp4a.40.42")],
)
def test_mp4a(object_type: int, audio: int, text: str) -> None:
    assert codecs.mp4a(esds_payload(object_type, audio)) == text


def test_esds_with_another_descriptor_or_cut_short_is_refused() -> None:
    payload = bytes(esds_payload(0x40, 0))
    with pytest.raises(BadMedia, match="descriptor"):
        codecs.mp4a(memoryview(payload.replace(b"\x04\x80", b"\x09\x80", 1)))
    for end in range(len(payload)):
        with pytest.raises(BadMedia):
            codecs.mp4a(memoryview(payload[:end]))
