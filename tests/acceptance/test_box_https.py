"""A box on the school's network by HTTPS, with a certificate of the city's own authority."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import sys
from collections.abc import Iterator

import aiohttp
import pytest

from loadtests.school import Box, running_box, school_with_a_box
from loadtests.service import Service, running, service_environment

DOMAIN = "tongbu.example"
NAME = "jifang"


@pytest.fixture(scope="module")
def city() -> Iterator[Service]:
    """A city whose authority is made while it runs."""
    with running() as service:
        subprocess.run(
            [sys.executable, "-m", "deploy", "edges", "ca", "--domain", DOMAIN],
            cwd=service.data.parent, env=service_environment(service.data), check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        yield service


async def look(box: Box, trusts: ssl.SSLContext) -> None:
    async with aiohttp.ClientSession() as http:
        url, name = f"{box.url}/edge/status", f"{NAME}.edge.{DOMAIN}"
        async with http.get(url, ssl=trusts, server_hostname=name) as answer:
            assert answer.status == 200
            assert (await answer.json())["box"]["name"] == NAME
        async with http.get(f"{box.url}/", ssl=trusts, server_hostname=name) as answer:
            assert "<html" in await answer.text()
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(url, ssl=trusts, server_hostname="another.edge.tongbu.example")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(url)


def test_a_school_is_served_by_https(city: Service) -> None:
    trusts = ssl.create_default_context(cafile=city.data / "edge-ca" / "ca.pem")
    _, code = asyncio.run(school_with_a_box(city.url, NAME))
    with running_box(city.url, code, "--edge-https", "127.0.0.1:0") as box:
        assert box.url.startswith("https://")
        asyncio.run(look(box, trusts))
