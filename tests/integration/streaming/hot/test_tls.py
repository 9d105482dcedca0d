"""The same port behind TLS: files are read and written, all else is as without."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.hot import PIECES, SMALL, Hot, asking, hot_port
from tests.support.wait import eventually


def make_pair(folder: Path) -> Path:
    """A key and a certificate that 127.0.0.1 signed itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "school")])
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name)
        .public_key(key.public_key()).serial_number(1).add_extension(here, critical=False)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "pair.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture(scope="module")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    pair = make_pair(tmp_path_factory.mktemp("tls"))
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(pair)
    return ours, ssl.create_default_context(cafile=str(pair))


@pytest.fixture
async def hot(
    big_file: Path, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
) -> AsyncIterator[Hot]:
    async with hot_port(big_file, tls=contexts[0], trusted=contexts[1]) as hot:
        yield hot


async def test_hot_and_cold_answers_keep_their_order(hot: Hot, big_file: Path) -> None:
    whole = await asyncio.to_thread(big_file.read_bytes)
    viewer = await hot.connect(2**20)
    targets = ["/hot/small", "/hot/file", "/cold", "/hot/stream", "/large", "/hot/file?7-90000"]
    viewer.ask(*targets * 2)
    for _ in range(2):
        bodies = [(await viewer.answer())[2] for _ in targets]
        assert bodies[0] == SMALL
        assert bodies[1] == whole
        assert bodies[2] == b"cold /cold"
        assert bodies[3] == b"".join(PIECES)
        assert bodies[4] == b"".join(PIECES) * 10
        assert bodies[5] == whole[7:90_000]
    assert hot.door.open_slices == 0
    await viewer.close()


async def test_websockets_and_bodies(hot: Hot) -> None:
    base = f"https://{hot.host}:{hot.number}"
    secure, sent = hot.trusted or True, b"x" * 300_000
    async with aiohttp.ClientSession() as client:
        for _ in range(2):
            async with client.post(f"{base}/cold", data=sent, ssl=secure) as answer:
                assert await answer.read() == sent
        async with client.ws_connect(f"{base}/ws", ssl=secure) as socket:
            await socket.send_str("上课")
            assert await socket.receive_str() == "heard 上课"


async def test_who_takes_nothing_is_cut_off_and_nothing_is_left(hot: Hot) -> None:
    viewers = [await hot.connect(1024) for _ in range(3)]
    for viewer in viewers:
        viewer.ask("/hot/file", "/hot/file")
    await eventually(lambda: all(c.lags for c in hot.port.connections))
    now = hot.port.loop.time()
    hot.port.sweep(now)
    await hot.cut_off(now)
    await eventually(lambda: hot.door.open_slices == 0)
    assert hot.count("tongbu_hot_closed_total", why="slow") == 3


async def test_rubbish_is_refused(hot: Hot) -> None:
    viewer = await hot.connect()
    viewer.writer.write(asking("/hot/small") + b"rubbish\n")
    assert (await viewer.answer())[2] == SMALL
    assert (await viewer.answer())[0] == 400
    assert await viewer.ended() == b""
    await viewer.close()
