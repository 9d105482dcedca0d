"""A box is in use while somebody asks; probes of machines do not count."""

from __future__ import annotations

from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from deploy.edge_use import USED_S, Use


async def test_a_page_counts_for_a_while_and_probes_never() -> None:
    now = [100.0]
    use = Use(lambda: now[0])

    async def handler(_: web.Request) -> web.StreamResponse:
        return web.Response()

    for path in ("/metrics", "/healthz", "/readyz"):
        await use.middleware(make_mocked_request("GET", path), handler)
    assert not use.lately
    await use.middleware(make_mocked_request("GET", "/edge/status"), handler)
    seen = [use.lately]
    now[0] += USED_S
    seen.append(use.lately)
    assert seen == [True, False]
