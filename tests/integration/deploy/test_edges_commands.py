"""`tongbu edges …`: boxes and their authority from the server's own shell."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from catalog.db.edges import enrol
from catalog.db.pool import make_pool
from catalog.edge_ca import make_ca, pem_of
from catalog.edges import code_of
from deploy.cli import main
from tests.support.certificates import pem
from tests.support.sessions import make_town

KEY = bytes(range(32))


@pytest.fixture
def shell(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands go to a fresh catalogue with a small city; gives the data directory."""
    monkeypatch.setenv("TONGBU_DATABASE_URL", dsn)
    monkeypatch.setenv("TONGBU_SERVER_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("deploy.cli.die_with_parent", lambda: None)

    async def found() -> None:
        async with make_pool(dsn, 2) as pool, pool.connection() as connection:
            await make_town(connection)

    asyncio.run(found())
    return tmp_path / "data"


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(["edges", *words]) == code
    told = capsys.readouterr()
    return told.out if code == 0 else told.err


@pytest.mark.parametrize("verb", ["enrol", "add"])
def test_an_edges_life(
    shell: Path, dsn: str, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert "no edges yet" in said(capsys, "list")
    told = said(capsys, verb, "tianye", "--school", "田野小学")
    code = re.search(r"code (\S{5}-\S{5}), good once until \d{4}", told)
    assert code
    assert f"tongbu edge --origin http://127.0.0.1:8080 --enrol {code[1]}" in told
    assert re.search(r"^tianye +waiting +never seen +- +田野小学$", said(capsys, "list"), re.M)

    async def come_in(shown: str) -> None:
        async with make_pool(dsn, 2) as pool, pool.connection() as connection:
            await enrol(connection, code_of(shown), KEY, 1_790_000_000.0)

    asyncio.run(come_in(code[1]))
    assert " enrolled " in said(capsys, "list")
    assert "shut out" in said(capsys, "revoke", "TIANYE")
    assert " revoked " in said(capsys, "list")
    assert "cannot take" in said(capsys, "revoke", "tianye", code=1)
    assert "--enrol" in said(capsys, "code", "tianye")
    assert " waiting " in said(capsys, "list")


def test_mistakes_say_what_to_do(shell: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "enrol", "tianye", "--school", "田野小学")
    assert "exists already" in said(capsys, "enrol", "tianye", "--school", "田野小学", code=1)
    assert "田野小学" in said(capsys, "enrol", "b", "--school", "田野", code=1)
    assert "tongbu edges list" in said(capsys, "revoke", "nobody", code=1)
    assert "there is no authority yet" in said(capsys, "ca", code=1)
    assert "give --domain" in said(capsys, "ca", "--key", "x", code=2)
    assert "is no domain" in said(capsys, "ca", "--domain", "课", code=1)


def test_the_authority_is_made_once_and_shown(
    shell: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = said(capsys, "ca", "--domain", "school.example")
    assert made.startswith(f"{shell / 'edge-ca' / 'ca.pem'}: for names below edge.school.example")
    assert said(capsys, "ca") == made
    assert "trust it" in said(capsys, "ca", "--domain", "school.example", code=1)


def test_an_authority_is_brought_along(
    shell: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ca = make_ca("other.example", time.time())
    (tmp_path / "ca.key").write_bytes(pem(ca.key))
    (tmp_path / "ca.pem").write_text(pem_of((ca.certificate,)))
    files = ["--key", str(tmp_path / "ca.key"), "--certificate", str(tmp_path / "ca.pem")]
    assert "give --domain" in said(capsys, "ca", *files, code=2)
    missing = ["--key", str(tmp_path / "x"), "--certificate", str(tmp_path / "ca.pem")]
    assert "cannot read" in said(capsys, "ca", "--domain", "a.example", *missing, code=2)
    assert "edge.other.example" in said(capsys, "ca", "--domain", "other.example", *files)
