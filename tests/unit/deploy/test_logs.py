"""Lines carry the request's id and never a secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from deploy.logs import LogSettings, context_id, redact, set_up_logging


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("GET /media/x?token=abc.def&a=1", "GET /media/x?token=…&a=1"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer …"),
        ("postgresql://me:geheim@db/tongbu", "postgresql://me:…@db/tongbu"),
        ("password=hunter22 user=me", "password=… user=me"),
        ('{"password": "hunter22"}', '{"password": "…"}'),
        ("Cookie: tongbu_session=abc123", "Cookie: tongbu_session=…"),
        ("a eyJhbGciOiJFZERTQSJ9.eyJ4IjoxfQ.c2ln b", "a … b"),
        ("GET /o?X-Amz-Signature=12ab&X-Amz-Date=3", "GET /o?X-Amz-Signature=…&X-Amz-Date=…"),
        ("勾股定理 is a lesson", "勾股定理 is a lesson"),
    ],
)
def test_secrets_are_taken_out(line: str, shown: str) -> None:
    assert redact(line) == shown


@pytest.fixture
def plain_logging() -> Iterator[None]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    server = logging.getLogger("aiohttp.server")
    yield
    server.filters.clear()
    root.handlers[:] = kept
    root.setLevel(level)


@pytest.mark.usefixtures("plain_logging")
def test_json_lines_name_the_request(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logging(LogSettings(format="json"))
    mark = context_id.set("r1")
    try:
        raise RuntimeError("token is ?token=abcdef")
    except RuntimeError:
        logging.getLogger("catalog").exception("课 failed")
    finally:
        context_id.reset(mark)
    line = json.loads(capsys.readouterr().err)
    assert (line["id"], line["level"], line["message"]) == ("r1", "error", "课 failed")
    assert "abcdef" not in line["exception"]


@pytest.mark.usefixtures("plain_logging")
@pytest.mark.parametrize(("level", "lines"), [("info", 1), ("warning", 0)])
def test_bytes_that_are_not_http_take_one_short_line(
    capsys: pytest.CaptureFixture[str], level: str, lines: int
) -> None:
    set_up_logging(LogSettings(level=level))
    try:
        raise BadHttpMessage("Invalid header:\n\n" + "x" * 9000)
    except BadHttpMessage:
        logging.getLogger("aiohttp.server").exception("Error handling request from %s", "a")
    written = capsys.readouterr().err
    assert written.count("\n") == lines
    assert len(written) <= lines * 300
    assert "Invalid header" in written or not lines


@pytest.mark.parametrize("wrong", [{"level": "loud"}, {"format": "xml"}])
def test_wrong_settings_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LogSettings(**wrong)
