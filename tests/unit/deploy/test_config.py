"""Options from TOML, environment and command line: order, types, errors, the example file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.config import ConfigError, example, load, option, options_of, read_toml


@dataclass(frozen=True, slots=True)
class Door:
    width_px: int = option(80, "Width of the door")
    open: bool = option(False, "Whether it stands open")
    key_file: Path | None = option(None, "File of the key")
    code: str = option("", "Secret word", secret=True)

    def __post_init__(self) -> None:
        if self.width_px < 1:
            raise ValueError("width_px must be at least 1")


@dataclass(frozen=True, slots=True)
class House:
    door: Door


def test_later_sources_win() -> None:
    toml = {"door": {"width_px": 1, "code": "t"}}
    environment = {"TONGBU_DOOR_WIDTH_PX": "2", "TONGBU_DOOR_OPEN": "yes", "HOME": "/"}
    flags = {("door", "width_px"): "3"}
    assert load(House, {}, {}, {}) == House(Door())
    assert load(House, toml, {}, {}).door.width_px == 1
    assert load(House, toml, environment, {}).door.width_px == 2
    assert load(House, toml, environment, flags) == House(Door(3, True, None, "t"))


@pytest.mark.parametrize(
    ("toml", "sentence"),
    [
        ({"door": {"wdth": 1}}, "[door] wdth is not an option"),
        ({"cellar": {"width_px": 1}}, "[cellar] width_px is not an option"),
        ({"width_px": 1}, "width_px stands outside a section"),
        ({"door": {"width_px": "wide"}}, "[door] width_px must be a whole number, not 'wide'"),
        ({"door": {"width_px": True}}, "must be a whole number, not True"),
        ({"door": {"code": 5}}, "[door] code must be a text in quotes"),
        ({"door": {"open": "ajar"}}, "must be true or false"),
        ({"door": {"width_px": 0}}, "[door]: width_px must be at least 1"),
    ],
)
def test_a_wrong_option_is_named(toml: dict[str, object], sentence: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(House, toml, {}, {})
    assert sentence in str(caught.value)


def test_the_environment_is_named_when_it_is_wrong() -> None:
    with pytest.raises(ConfigError, match="TONGBU_DOOR_WIDTH_PX must be a whole number"):
        load(House, {}, {"TONGBU_DOOR_WIDTH_PX": "x"}, {})


def test_paths_become_absolute() -> None:
    assert load(House, {}, {}, {("door", "key_file"): "a"}).door.key_file == Path.cwd() / "a"


def test_the_example_is_toml_with_every_option_commented() -> None:
    text = example(House)
    assert tomllib.loads(text) == {"door": {}}
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line else line for line in text.splitlines()
    )
    assert tomllib.loads(uncommented)["door"]["width_px"] == 80
    for spec in options_of(House):
        assert spec.variable in text


def test_secrets_do_not_show() -> None:
    assert "word" not in repr(Door(code="word"))


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file"):
        read_toml(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[server\n")
    with pytest.raises(ConfigError, match=r"broken\.toml cannot be read"):
        read_toml(broken)
