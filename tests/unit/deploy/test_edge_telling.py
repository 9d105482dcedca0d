"""When a box dials again to tell its figures."""

from __future__ import annotations

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from deploy.edge_telling import AGAIN_S, DEAF_AGAIN_S, PATH, patience_s


def refused(status: int) -> aiohttp.WSServerHandshakeError:
    url = URL(f"http://city{PATH}")
    headers = CIMultiDictProxy(CIMultiDict[str]())
    info = aiohttp.RequestInfo(url, "GET", headers, url)
    return aiohttp.WSServerHandshakeError(info, (), status=status, message="no")


@pytest.mark.parametrize(("error", "wait_s"), [
    (refused(404), DEAF_AGAIN_S), (refused(400), DEAF_AGAIN_S), (refused(503), AGAIN_S),
    (refused(401), AGAIN_S), (refused(502), AGAIN_S), (TimeoutError(), AGAIN_S),
    (aiohttp.ClientConnectionError(), AGAIN_S),
])  # fmt: skip
def test_who_has_no_ear_for_it_is_asked_seldom(error: Exception, wait_s: float) -> None:
    assert patience_s(error) == wait_s
