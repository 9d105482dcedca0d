"""The API's description as it is served, against the specification and against the routes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from catalog.db.pool import Pool
from catalog.http.endpoint import Api
from catalog.http.login import LoginApi
from catalog.http.openapi import DescriptionApi
from catalog.http.registry import RegistryApi
from catalog.http.signin import SignIn, SignInSettings
from catalog.http.users import UsersApi
from catalog.passwords import Passwords
from catalog.words import ALL
from tests.support.api import Desk, open_desk


def parts(pool: Pool, passwords: Passwords) -> list[Api]:
    settings = SignInSettings()
    login = LoginApi(pool, SignIn(pool, settings), passwords, settings)
    served: list[Api] = [RegistryApi(pool), UsersApi(pool, passwords)]
    others = [item for part in [login, *served] for item in part.endpoints()]
    return [*served, DescriptionApi(others, "0.1.0")]


@pytest.fixture
async def desk(pool: Pool) -> AsyncIterator[Desk]:
    async with open_desk(pool, parts) as desk:
        yield desk


async def test_the_document_is_valid_and_describes_every_route(desk: Desk) -> None:
    status, found = await desk.guest.ask("GET", "/openapi.json")
    assert status == 200
    await asyncio.to_thread(OpenAPIV31SpecValidator(found).validate)
    assert desk.client.app is not None
    routed = {(r.method, r.resource.canonical) for r in desk.client.app.router.routes()
              if r.resource and r.method != "HEAD"}  # fmt: skip
    described = {(m.upper(), path) for path, item in found["paths"].items() for m in item}
    assert described == routed


async def test_the_document_is_not_sent_twice(desk: Desk) -> None:
    url = "/api/v1/openapi.json"
    async with desk.client.get(url) as first:
        etag = first.headers["ETag"]
    async with desk.client.get(url, headers={"If-None-Match": etag}) as second:
        assert (second.status, await second.read()) == (304, b"")


async def test_the_vocabulary_has_values_and_labels(desk: Desk) -> None:
    status, found = await desk.guest.ask("GET", "/vocabulary")
    assert status == 200
    assert {"value": "physics", "label": "物理"} in found["subjects"]
    assert {"value": "teacher", "label": "教师"} in found["roles"]
    assert set(found) == set(ALL)
