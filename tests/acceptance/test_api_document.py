"""Every operation of the API does what its document says, whoever asks and whatever they send.

Schemathesis reads the document of the running service and asks each operation with data that fits
it and data that does not: `coverage` is every limit of every field once, `fuzzing` is drawn, the
same way each time. It runs as a program of its own, so that its plugin is no part of other tests.
An operation that is added is asked without a word here.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.edge_credential import LONGEST_S, SCHEME, sign
from loadtests.client import Client, signed_in
from loadtests.service import ADMIN_PASSWORD, Service
from tests.support.service import service as service
from tests.support.told_document import told
from tests.support.whole_city import another, to_take_away, whole_city

TEACHER, TEACHER_PASSWORD = "zhaolei", "a-password-for-tests-2"
LONGEST_RUN_S = 200
TOLD_AT_MOST_CHARS = 20_000
EDGES_OWN = "^/api/v1/edge/"

NOT_ASKED = {
    "/api/v1/events": "a stream of events has no end to wait for",
    "/api/v1/operations/events": "a stream of events has no end to wait for",
    "/api/v1/edge/telling": "a WebSocket",
    "/api/v1/uploads": "tus says in headers what the document has no words for",
    "/api/v1/uploads/{id}": "tus says in headers what the document has no words for",
}
NOT_ASKED_SIGNED_IN = {"/api/v1/logout": "whoever asks would be a guest from then on"}

NAMES = {"subtitles": ["zh-Hans"]}
EXAMPLES = {
    ("/api/v1/login", "post"): {"username": TEACHER, "password": TEACHER_PASSWORD},
    ("/api/v1/lessons/{id}", "patch"): {"title": "分数的意义", "grade": "g3"},
    ("/api/v1/lessons/{id}/subtitles/{language}", "put"): (
        "WEBVTT\n\n00:00.000 --> 00:01.000\n同学们好\n"
    ),
}

# Not `positive_data_acceptance`: that a lesson is in the future, or a room free, no schema says.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance",
    "response_headers_conformance", "response_schema_conformance", "unsupported_method",
    "allow_header_conformance", "ignored_auth",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Askers:
    """The running service, and how those who ask sign their requests."""

    service: Service
    authorization: Mapping[str, str]
    edge: str
    key: Ed25519PrivateKey

    def header_of(self, who: str) -> str | None:
        """Give the Authorization header, none for a guest; a box signs a new one for each run."""
        if who == "edge":
            return f"{SCHEME} {sign(self.edge, self.key, time.time(), LONGEST_S)}"
        return self.authorization.get(who)


@pytest.fixture(scope="module")
def askers(service: Service) -> Askers:
    """An administrator, a teacher and a box, none of them among what is asked for."""
    return asyncio.run(_askers(service))


async def _askers(service: Service) -> Askers:
    async with signed_in(service.url, "admin", ADMIN_PASSWORD) as boss:
        school = (await whole_city(boss, service.data))["schools"][0]
        held = [{"role": "teacher", "school": school}]
        await boss.post("users", {"username": TEACHER, "name": "赵蕾",
                                  "password": TEACHER_PASSWORD, "affiliations": held})  # fmt: skip
        edge, key = await _box(boss, school)
        async with signed_in(service.url, TEACHER, TEACHER_PASSWORD) as other:
            return Askers(service, {"admin": _header(boss), "teacher": _header(other)}, edge, key)


async def _box(boss: Client, school: str) -> tuple[str, Ed25519PrivateKey]:
    made = await boss.post("edges", {"name": "盒子", "school": school})
    key = Ed25519PrivateKey.generate()
    public = b64encode(key.public_key().public_bytes_raw()).decode()
    await boss.post("edges/enrol", {"code": made["code"], "public_key": public})
    return made["id"], key


def _header(client: Client) -> str:
    return client.http.headers["Authorization"]


async def _document(askers: Askers) -> dict[str, Any]:
    """Give the service's document, with ids of things that are made for it."""
    headers = {"Authorization": askers.authorization["admin"]}
    async with aiohttp.ClientSession(headers=headers) as http:
        boss = Client(http, askers.service.url)
        document = await boss.get("openapi.json")
        assert {*NOT_ASKED, *NOT_ASKED_SIGNED_IN} <= set(document["paths"])
        ids = await whole_city(boss, askers.service.data)
        spare = await to_take_away(boss, askers.service.data)
        examples = {(f"/api/v1/{kind}", "post"): body for kind, body in another(ids).items()}
        ids["presentations"] = ids["lessons"]
        return told(document, ids | NAMES, spare | NAMES, EXAMPLES | examples)


def _settings(phase: str, examples: int) -> str:
    """Give Schemathesis's settings (TOML)."""
    return "\n".join((
        "continue-on-failure = true", "request-timeout = 20", "color = false",
        "[auth]", "auto-signup = false",
        "[cache]", "enabled = false",
        "[generation]", f"max-examples = {examples}", "no-shrink = true", "deterministic = true",
        "[checks]", "enabled = false",
        *(f"[checks.{name}]\nenabled = true" for name in CHECKS),
        "[checks.negative_data_rejection]", "enabled = true", 'expected-statuses = ["4xx"]',
        "[phases]", "enabled = false", f"[phases.{phase}]", "enabled = true",
    ))  # fmt: skip


def _arguments(askers: Askers, who: str) -> Sequence[str]:
    """Say as whom to ask, and what."""
    header = askers.header_of(who)
    left_out = NOT_ASKED if header is None else NOT_ASKED | NOT_ASKED_SIGNED_IN
    return (
        *(("--header", f"Authorization: {header}") if header else ()),
        *(word for path in left_out for word in ("--exclude-path", path)),
        "--include-path-regex" if who == "edge" else "--exclude-path-regex", EDGES_OWN,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("who", "phase", "examples"),
    [
        ("guest", "fuzzing", 2), ("teacher", "fuzzing", 3), ("edge", "coverage", 1),
        ("edge", "fuzzing", 6), ("admin", "coverage", 1), ("admin", "fuzzing", 3),
    ],
)  # fmt: skip
def test_the_service_does_what_its_document_says(
    askers: Askers, who: str, phase: str, examples: int, tmp_path: Path
) -> None:
    document, settings = tmp_path / "api.json", tmp_path / "schemathesis.toml"
    document.write_text(json.dumps(asyncio.run(_document(askers))), "utf-8")
    settings.write_text(_settings(phase, examples), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings), "run",
         str(document), "--url", askers.service.url, *_arguments(askers, who)],
        cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST_RUN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-TOLD_AT_MOST_CHARS:] + done.stderr
