"""Settings: the only place that reads environment variables, TOML and command-line options.

Each package declares a frozen dataclass; `Settings` names them as sections. One field is one
option: `[section] key` in TOML, `TONGBU_SECTION_KEY` in the environment, `--section-key` on the
command line; the later of these wins. A field's metadata may carry `help` (a comment in the
example) and `secret`.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from catalog.errors import TongbuError


class ConfigError(TongbuError):
    """An option is wrong; the message names it and says what would be right."""


def option(default: Any, help: str, secret: bool = False) -> Any:
    """Declare a settings field with its explanation."""
    return field(default=default, metadata={"help": help, "secret": secret}, repr=not secret)


def default_data_dir() -> Path:
    """Where everything is kept unless told otherwise."""
    if os.geteuid() == 0:
        return Path("/var/lib/tongbu")
    return Path.home() / ".local" / "share" / "tongbu"


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option as all three sources see it."""

    section: str
    key: str
    kind: Any
    default: Any
    help: str
    secret: bool

    @property
    def variable(self) -> str:
        """Name of the environment variable."""
        return f"TONGBU_{self.section}_{self.key}".upper()

    @property
    def flag(self) -> str:
        """Name of the command-line option."""
        return f"--{self.section}-{self.key}".replace("_", "-")


def options_of(root: type) -> Iterator[OptionSpec]:
    """List every option of a settings class whose fields are sections."""
    for section, kind in typing.get_type_hints(root).items():
        hints = typing.get_type_hints(kind)
        for item in dataclasses.fields(kind):
            default = item.default
            if item.default_factory is not dataclasses.MISSING:
                default = item.default_factory()
            yield OptionSpec(
                section, item.name, hints[item.name], default,
                item.metadata.get("help", ""), item.metadata.get("secret", False),
            )  # fmt: skip


R = typing.TypeVar("R")


def load(
    root: type[R],
    toml: Mapping[str, Any],
    environment: Mapping[str, str],
    flags: Mapping[tuple[str, str], str],
) -> R:
    """Build settings; flags win over the environment, that over TOML, that over the defaults.

    Raises: ConfigError for an unknown key, a wrong type or a value a section refuses.
    """
    specs = {(spec.section, spec.key): spec for spec in options_of(root)}
    _refuse_unknown(toml, specs)
    values: dict[str, dict[str, Any]] = {}
    for (section, key), spec in specs.items():
        place, raw = _raw(spec, toml, environment, flags)
        if raw is not None:
            values.setdefault(section, {})[key] = _convert(raw, spec.kind, place)
    sections = typing.get_type_hints(root)
    built = {name: _section(kind, name, values.get(name, {})) for name, kind in sections.items()}
    return root(**built)


def _refuse_unknown(toml: Mapping[str, Any], specs: Mapping[tuple[str, str], OptionSpec]) -> None:
    for section, table in toml.items():
        if not isinstance(table, dict):
            raise ConfigError(f"{section} stands outside a section: put it under [server] or alike")
        for key in table:
            if (section, key) not in specs:
                raise ConfigError(
                    f"[{section}] {key} is not an option: `tongbu config --example` lists them"
                )


def _raw(
    spec: OptionSpec,
    toml: Mapping[str, Any],
    environment: Mapping[str, str],
    flags: Mapping[tuple[str, str], str],
) -> tuple[str, Any]:
    flag = flags.get((spec.section, spec.key))
    if flag is not None:
        return spec.flag, flag
    if spec.variable in environment:
        return spec.variable, environment[spec.variable]
    return f"[{spec.section}] {spec.key}", toml.get(spec.section, {}).get(spec.key)


def _convert(raw: Any, kind: Any, place: str) -> Any:
    if isinstance(kind, types.UnionType):
        kind = next(item for item in kind.__args__ if item is not type(None))
    if kind is bool:
        return _bool(raw, place)
    if kind is Path:
        return Path(raw).expanduser().absolute()
    if isinstance(raw, bool) or (kind is str and not isinstance(raw, str)):
        raise ConfigError(f"{place} must be {_NAMES[kind]}, not {raw!r}")
    try:
        return kind(raw)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{place} must be {_NAMES[kind]}, not {raw!r}") from error


_NAMES: dict[Any, str] = {int: "a whole number", float: "a number", str: "a text in quotes"}
_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")


def _bool(raw: Any, place: str) -> bool:
    text = str(raw).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ConfigError(f"{place} must be true or false, not {raw!r}")


def _section(kind: Any, name: str, values: dict[str, Any]) -> Any:
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"[{name}]: {error}") from error


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file. Raises: ConfigError naming the file and line."""
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"no file {path}: `tongbu config --example` prints one") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def example(root: type) -> str:
    """Render the commented configuration file with every option at its default."""
    lines = ["# Tongbu. Each option may also be set as the environment variable named behind it."]
    section = ""
    home = str(Path.home())
    for spec in options_of(root):
        if spec.section != section:
            section = spec.section
            lines += ["", f"[{section}]"]
        lines += [f"# {text}" for text in _comment(spec)]
        lines.append(f"# {spec.key} = {_toml(spec.default)}".replace(home, "~"))
    return "\n".join(lines) + "\n"


def _comment(spec: OptionSpec) -> list[str]:
    text = spec.help or spec.key.replace("_", " ")
    return [f"{text} ({spec.variable})"]


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = "" if value is None else str(value)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
