"""The API as the running service has it: its own description, its words, its doors."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from deploy.api_types import described
from loadtests.service import ADMIN_PASSWORD, Service
from tests.support.service import service as service

EXPECTED = {
    "/api/v1/login": {"post"},
    "/api/v1/me": {"get"},
    "/api/v1/vocabulary": {"get"},
    "/api/v1/lessons": {"get"},
    "/api/v1/lessons/{id}": {"get", "patch", "delete"},
    "/api/v1/schools": {"get", "post"},
    "/api/v1/users/{id}/affiliations": {"post"},
    "/api/v1/uploads": {"post", "options"},
}


async def get(url: str) -> Any:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
        return await response.json()


async def test_the_document_of_the_whole_service_is_valid(service: Service) -> None:
    document = await get(f"{service.url}/api/v1/openapi.json")
    await asyncio.to_thread(OpenAPIV31SpecValidator(document).validate)
    for path, methods in EXPECTED.items():
        assert methods <= set(document["paths"][path]), path
    names = [o["operationId"] for item in document["paths"].values() for o in item.values()]
    assert len(names) == len(set(names))


async def test_the_pages_types_are_made_of_this_very_document(service: Service) -> None:
    served = await get(f"{service.url}/api/v1/openapi.json")
    made = await asyncio.to_thread(described)
    assert served == json.loads(json.dumps(made))


async def test_what_is_not_open_to_guests_asks_to_sign_in(service: Service) -> None:
    document = await get(f"{service.url}/api/v1/openapi.json")
    async with aiohttp.ClientSession() as session:
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if {} in operation["security"]:
                    continue
                url = f"{service.url}{path}".replace("{", "").replace("}", "")
                async with session.request(method.upper(), url) as response:
                    assert response.status == 401, (method, path)


@pytest.mark.parametrize("password", [ADMIN_PASSWORD, "wrong"])
async def test_the_first_administrator_signs_in(service: Service, password: str) -> None:
    body = {"username": "admin", "password": password}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{service.url}/api/v1/login", json=body) as response,
    ):
        assert response.status == (200 if password == ADMIN_PASSWORD else 401)
