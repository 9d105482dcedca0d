"""Sections refuse what cannot work."""

from __future__ import annotations

import pytest

from deploy.config import ConfigError, default_data_dir, load
from deploy.settings import Settings, parse_listen


@pytest.mark.parametrize(
    ("text", "parts"),
    [("127.0.0.1:8080", ("127.0.0.1", 8080)), ("[::1]:0", ("::1", 0)), ("box:1", ("box", 1))],
)
def test_listen_is_host_and_port(text: str, parts: tuple[str, int]) -> None:
    assert parse_listen(text) == parts


@pytest.mark.parametrize("text", ["8080", ":8080", "a:b", "a:65536", "a:-1", ""])
def test_a_wrong_listen_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="listen must be HOST:PORT"):
        load(Settings, {}, {"TONGBU_SERVER_LISTEN": text}, {})


def test_defaults_are_loopback_and_a_data_directory() -> None:
    settings = load(Settings, {}, {}, {})
    assert settings.server.listen == "127.0.0.1:8080"
    assert settings.server.data == default_data_dir()


@pytest.mark.parametrize(
    "flag", [("server", "workers"), ("server", "drain_s"), ("database", "pool")]
)
def test_numbers_out_of_range_are_refused(flag: tuple[str, str]) -> None:
    with pytest.raises(ConfigError, match="must be"):
        load(Settings, {}, {}, {flag: "100000"})
