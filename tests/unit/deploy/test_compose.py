"""deploy/compose.yaml keeps what it promises: pinned, bounded, read-only, no root, no secret."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from deploy.config import load, options_of
from deploy.settings import Settings
from tests.support.compose import (
    DEPLOY,
    FILE,
    Plain,
    Unset,
    interpolated,
    read_compose,
    secret_targets,
    sources,
)

SITE = {"TONGBU_SITE": "ketang.example.edu.cn"}
CONTENT = read_compose(SITE)
SERVICES: dict[str, Any] = CONTENT["services"]
NAMES = sorted(SERVICES)
OURS = ("origin", "worker", "edge")
BUILT = ("caddy", "seaweedfs", *OURS)
# Whose each image's directory is, and so a new volume that is mounted there; by the images' own
# build files. Each of their programs starts without any right when it is not started as root.
OWNERS = {
    "postgres": ("999:999", "/var/lib/postgresql/data"),
    "prometheus": ("65534:65534", "/prometheus"),
    "grafana": ("472:0", "/var/lib/grafana"),
}
KEYS = {"store": {"access_key": "a", "secret_key": "b"}}
UID = re.compile(r"[1-9]\d*:[1-9]\d*")
each = pytest.mark.parametrize("name", NAMES)
each_of_ours = pytest.mark.parametrize("name", OURS)


def test_the_whole_service_stands_in_it() -> None:
    wanted = {"caddy", "postgres", "seaweedfs", *OURS, "prometheus", "grafana"}
    assert set(SERVICES) == wanted


@each
def test_an_image_has_a_version(name: str) -> None:
    image = str(SERVICES[name]["image"])
    tag = image.rpartition(":")[2]
    assert re.match(r"v?\d+\.\d+", tag), f"{image} moves"
    assert (name in BUILT) == ("build" in SERVICES[name])
    assert name in BUILT or image.startswith("docker.io/"), "podman asks which registry otherwise"


@each
def test_nothing_runs_as_root_or_may_become_it(name: str) -> None:
    service = SERVICES[name]
    assert UID.fullmatch(service["user"])
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OWNERS)
def test_who_runs_owns_the_volume(name: str) -> None:
    owner, inside = OWNERS[name]
    service = SERVICES[name]
    assert service["user"].split(":")[0] == owner.split(":")[0]
    assert [i for i, out in sources(service).items() if not out.startswith("./")] == [inside]


@each
def test_the_root_file_system_is_read_only(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    for inside, outside in sources(service).items():
        if not outside.startswith("./"):
            assert outside in CONTENT["volumes"], f"{outside} is no named volume"
        else:
            (text,) = [v for v in service["volumes"] if v.startswith(outside + ":")]
            assert text.endswith(":ro"), inside


@each
def test_networks_and_secrets_that_are_named_are_declared(name: str) -> None:
    assert set(SERVICES[name]["networks"]) <= set(CONTENT["networks"])
    assert set(secret_targets(SERVICES[name]).values()) <= set(CONTENT["secrets"])


@each
def test_memory_cores_and_processes_are_bounded(name: str) -> None:
    service = SERVICES[name]
    limits = service["deploy"]["resources"]["limits"]
    assert re.fullmatch(r"\d+[MG]", limits["memory"])
    assert 0 < float(limits["cpus"]) <= 8
    assert 0 < service["pids_limit"] <= 4096
    assert service["logging"]["options"]["max-size"]


@each
def test_each_is_checked_and_started_again(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


@each
def test_who_is_waited_for_is_healthy(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert how == {"condition": "service_healthy"}
        assert "healthcheck" in SERVICES[other]


@each
def test_no_secret_stands_in_the_file(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        secret = re.search("PASSWORD|SECRET|ACCESS_KEY|_URL$", key)
        if secret and not str(value).startswith("https://"):
            assert str(value).startswith("/run/secrets/"), key
    for one in secret_targets(SERVICES[name]).values():
        assert CONTENT["secrets"][one]["file"].startswith("./secrets/")
    ignored = (DEPLOY / ".gitignore").read_text().splitlines()
    assert "/secrets/" in ignored


@each_of_ours
def test_every_option_is_one_of_ours(name: str) -> None:
    known = {spec.variable for spec in options_of(Settings)}
    environment = SERVICES[name]["environment"]
    assert set(environment) <= known
    load(Settings, KEYS, environment, {})


@each_of_ours
def test_a_role_has_longer_than_its_drain(name: str) -> None:
    settings = load(Settings, KEYS, SERVICES[name]["environment"], {})
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > settings.server.drain_s


def test_only_the_catalogues_processes_reach_database_and_store_and_figures_stay_here() -> None:
    inside = {name for name in NAMES if "store" in SERVICES[name].get("networks", [])}
    assert inside == {"postgres", "seaweedfs", "origin", "worker"}
    assert CONTENT["networks"]["store"] == {"internal": True}
    published = {name: set(SERVICES[name].get("ports", [])) for name in NAMES}
    assert {name: ports for name, ports in published.items() if ports} == {
        "caddy": {"80:8080", "443:8443", "443:8443/udp"},
        "origin": {"1935:1935", "127.0.0.1:8080:8080"},
        "edge": {"8088:8080"},
        "prometheus": {"127.0.0.1:9090:9090"},
    }


def test_a_name_for_the_site_is_asked_for() -> None:
    with pytest.raises(Unset, match="ketang"):
        read_compose({})


def test_variables_go_in_as_compose_does_it() -> None:
    assert interpolated("${A:-x} ${B:-y} ${C}", {"A": "1", "B": ""}) == "1 y "


def test_ports_and_paths_are_this_machines(tmp_path: Path) -> None:
    plain = Plain(CONTENT, tmp_path, tmp_path / "secrets", {("origin", 8080): 5001})
    plain.ports["caddy", 8443] = 5002
    found = plain.environment("caddy")
    assert found["TONGBU_ORIGIN"] == "127.0.0.1:5001"
    assert found["TONGBU_HTTPS_PORT"] == "5002"
    assert found["XDG_DATA_HOME"] == str(tmp_path / "caddy-data")
    assert plain.command("caddy")[3] == str(DEPLOY / "Caddyfile")
    assert plain.check("origin")[1] == "http://127.0.0.1:5001/readyz"


def make_secrets(where: Path) -> str:
    done = subprocess.run(
        [DEPLOY / "make-secrets", where], capture_output=True, text=True, check=True
    )
    return done.stdout


def test_secrets_are_made_once_and_fit_each_other(tmp_path: Path) -> None:
    where = tmp_path / "secrets"
    assert make_secrets(where).count("made ") == 4
    before = {path.name: path.read_bytes() for path in where.iterdir()}
    assert {Path(s["file"]).name for s in CONTENT["secrets"].values()} == set(before)
    assert make_secrets(where) == ""
    assert {path.name: path.read_bytes() for path in where.iterdir()} == before
    assert where.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in where.iterdir()} == {0o444}
    toml = tomllib.loads(before["tongbu.toml"].decode())
    assert before["postgres_password"].decode() in toml["database"]["url"]
    assert toml["store"]["secret_key"] in before["seaweedfs_s3.json"].decode()
    load(Settings, toml, {}, {})


def test_the_file_is_one_that_a_person_reads() -> None:
    assert max(map(len, FILE.read_text("utf-8").splitlines())) <= 100
