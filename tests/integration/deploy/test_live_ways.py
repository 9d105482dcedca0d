"""SRT and cameras over the whole service, with the addresses that its API gives."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from loadtests.client import Client, Refused, signed_in
from loadtests.service import ADMIN_PASSWORD, Service, end, start, wait_for_address
from tests.support.children import encoders_of
from tests.support.publishing import AAC, H264, PICTURE, SOUND, publisher
from tests.support.rtsp_camera import camera
from tests.support.wait import eventually

MEDIA = (*PICTURE, *SOUND, *H264, *AAC)
UNKNOWN = "rtsp://admin:geheim@10.1.2.3/1"


def free_ports() -> tuple[int, int]:
    """Two UDP ports beside each other that nobody has."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
        ):
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                two.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port, port + 1


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory that the database's account can reach."""
    with tempfile.TemporaryDirectory(prefix="tongbu-ways-", ignore_cleanup_errors=True) as made:
        Path(made).chmod(0o711)
        yield Path(made)


@asynccontextmanager
async def served(home: Path, ports: tuple[int, int]) -> AsyncIterator[Service]:
    """Run the service on a directory that may have been served before; ports (0, 0): no SRT."""
    extra = {"TONGBU_LIVE_SRT_PORTS": f"{ports[0]}-{ports[1]}"} if ports[0] else {}
    process, log = await asyncio.to_thread(start, home / "data", extra=extra)
    try:
        url = await asyncio.to_thread(wait_for_address, process, log)
        yield Service(url, home / "data", process, log)
    finally:
        await asyncio.to_thread(end, process)


@asynccontextmanager
async def administrator(service: Service) -> AsyncIterator[Client]:
    """Sign in."""
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as client:
        yield client


async def opened(admin: Client, title: str, in_hours: int = 0) -> str:
    """Book a session and open its room."""
    starts_at = datetime.now(UTC) + timedelta(hours=in_hours)
    booked = await admin.post(
        "sessions",
        {"title": title, "kind": "open_class", "duration_s": 1200,
         "starts_at": starts_at.isoformat()},
    )  # fmt: skip
    assert booked["ingest"]["srt"] is None, "no port before the room is open"
    await admin.post(f"sessions/{booked['id']}/open")
    return str(booked["id"])


async def address(admin: Client, session: str) -> str | None:
    """Where SRT encoders of a session are expected now."""
    found = (await admin.get(f"sessions/{session}"))["ingest"]["srt"]
    return str(found) if found else None


async def is_shut(admin: Client, session: str) -> bool:
    """Tell whether a session is not expected by SRT."""
    return await address(admin, session) is None


async def given(admin: Client, session: str, other_than: str | None = None) -> str:
    """Wait for that address."""

    async def there() -> bool:
        return await address(admin, session) not in (None, other_than)

    await eventually(there)
    found = await address(admin, session)
    assert found is not None
    return found


async def is_in(admin: Client, session: str, state: str) -> bool:
    """Tell whether a session is in a state."""
    return bool((await admin.get(f"sessions/{session}"))["state"] == state)


async def has_publishers(admin: Client, way: str, count: int) -> bool:
    """Tell whether so many publish."""
    async with admin.http.get(f"{admin.url}/metrics") as answer:
        return f'tongbu_ingest_publishers{{way="{way}"}} {count}.0' in await answer.text()


async def is_refused(srt: str) -> bool:
    """Call by SRT; tell whether that was given up without a byte of media."""
    async with publisher(srt, *MEDIA, form="mpegts") as process:
        await process.communicate()
        return bool(process.returncode)


async def test_an_srt_encoder_goes_live_until_it_has_an_old_key(home: Path) -> None:
    ports = await asyncio.to_thread(free_ports)
    async with served(home, ports) as service, administrator(service) as admin:
        session = await opened(admin, "两位数乘法")
        srt = await given(admin, session)
        assert srt.startswith(f"srt://127.0.0.1:{ports[0]}?mode=caller&passphrase=")
        assert srt.endswith("&pbkeylen=16&latency=120000")
        assert await is_refused(srt.replace("passphrase=", "passphrase=0"))
        assert await is_in(admin, session, "waiting")
        async with publisher(srt, *MEDIA, form="mpegts") as process:
            await eventually(partial(is_in, admin, session, "live"))
            assert await has_publishers(admin, "srt", 1)
            await admin.post(f"sessions/{session}/key")
            await process.communicate()
        renewed = await given(admin, session, other_than=srt)
        assert renewed.partition("?")[0] == srt.partition("?")[0]
        assert await is_refused(srt)
        async with publisher(renewed, *MEDIA, form="mpegts"):
            await eventually(partial(has_publishers, admin, "srt", 1))
            await admin.post(f"sessions/{session}/end")
            await eventually(partial(is_in, admin, session, "recorded"))
        await eventually(partial(is_shut, admin, session))
        assert not await encoders_of(service.process.pid, "srt://")


async def test_a_service_that_starts_again_listens_for_the_same_sessions(home: Path) -> None:
    ports = await asyncio.to_thread(free_ports)
    async with served(home, ports) as service, administrator(service) as admin:
        first = await opened(admin, "两位数乘法")
        await given(admin, first)
        second = await opened(admin, "圆的面积", in_hours=1)
        await given(admin, second)
    async with served(home, ports) as service, administrator(service) as admin:
        assert await given(admin, first) != await given(admin, second)
        third = await opened(admin, "小数的意义", in_hours=2)
        assert await is_shut(admin, third), "all ports are taken"
        await admin.post(f"sessions/{first}/end")
        srt = await given(admin, third)
        assert await is_shut(admin, first)
        async with publisher(srt, *MEDIA, form="mpegts"):
            await eventually(partial(is_in, admin, third, "live"))
        assert await is_in(admin, second, "waiting")


async def test_a_camera_is_pulled_and_its_password_is_told_nowhere(home: Path) -> None:
    async with (
        served(home, (0, 0)) as service,
        administrator(service) as admin,
        camera() as source,
    ):
        session = await opened(admin, "植物的生长")
        assert await is_shut(admin, session)
        with pytest.raises(Refused, match="rtsp_hosts") as refused:
            await admin.post(f"sessions/{session}/camera", {"url": UNKNOWN})
        assert "422" in str(refused.value)
        assert "geheim" not in str(refused.value)
        await admin.post(f"sessions/{session}/camera", {"url": "rtsp://u:geheim@127.0.0.1:1/"})
        await eventually(partial(says, service.log, "broke off"))
        url = source.url.replace("//", "//admin:geheim@")
        await admin.post(f"sessions/{session}/camera", {"url": url})
        await eventually(partial(is_in, admin, session, "live"))
        path = f"{service.url}/api/v1/sessions/{session}/camera"
        async with admin.http.delete(path) as answer:
            assert answer.status == 204
        await eventually(lambda: not source.players)
        await admin.post(f"sessions/{session}/camera", {"url": url})
        await eventually(lambda: bool(source.players))
        await admin.post(f"sessions/{session}/end")
        await eventually(lambda: not source.players)
        await eventually(partial(is_in, admin, session, "recorded"))
        assert "geheim" not in str(await admin.get(f"sessions/{session}"))
    assert not await says(service.log, "geheim")


async def says(log: Path, word: str) -> bool:
    """Tell whether the service has written a word."""
    return word in await asyncio.to_thread(log.read_text)
