"""What a runbook names is there: options, commands, services, units, and every step in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from deploy import cli, commands
from deploy.alerts import ALERTS
from deploy.config import options_of
from deploy.settings import Settings
from tests.support.compose import DEPLOY, read_compose
from tests.support.runbooks import STEP, TEXTS, steps

SECTIONS = (
    "## 含义", "## 确认", "## 处理", "## 好了吗",
    "## What it means", "## Confirm", "## What to do", "## Is it over",
)  # fmt: skip
SERVICES: dict[str, Any] = read_compose({"TONGBU_SITE": "ketang.example.edu.cn"})["services"]
UNITS = {path.stem for path in (DEPLOY / "systemd").glob("*.service")}
OTHERS = {"--scale", "--max-depth"}  # of docker compose and du
IN_A_CONTAINER = r"docker compose exec (?:origin|worker|edge) tongbu"
OURS = re.compile(rf"(?:{IN_A_CONTAINER}|\.venv/bin/python -m deploy) (.+)")
each = pytest.mark.parametrize("name", sorted(TEXTS))


def code_in(text: str) -> list[str]:
    """Give what stands in backticks, and lines that are commands."""
    return re.findall(r"`([^`]+)`", text) + [
        line.strip() for line in text.splitlines() if line.startswith("    ")
    ]


def flags_of_the_program() -> set[str]:
    """Give every flag of every command."""
    found = {spec.flag for spec in options_of(Settings)} | set(cli.ALIASES.values())
    for name in ("backup", "edges", "serve", "users", "dashboards"):
        for command in commands.known(name):
            found |= {f for argument in command.arguments for f in argument.flags}
    return found


def test_each_alert_has_a_runbook_and_each_runbook_an_alert() -> None:
    assert set(TEXTS) == {alert.name for alert in ALERTS}
    assert {Path(alert.runbook).stem for alert in ALERTS} == set(TEXTS)
    assert all((DEPLOY.parent / alert.runbook).exists() for alert in ALERTS)


@each
def test_it_says_what_it_is_how_to_see_it_what_to_do_and_when_it_is_over(name: str) -> None:
    text = TEXTS[name]
    assert text.startswith(f"# {name} ")
    assert tuple(re.findall("(?m)^## .+$", text)) == SECTIONS
    parts = re.split("(?m)^## .+$", text)[1:]
    for heading, part in zip(SECTIONS, parts, strict=True):
        if heading not in ("## 含义", "## What it means"):
            assert re.search("(?m)^1[.] ", part), heading
    confirm, over = ([parts[i] for i in pair] for pair in ((1, 5), (3, 7)))
    for pair in (confirm, over):
        first, second = ([line for line in part.splitlines() if line[:4] == "    "]
                         for part in pair)  # fmt: skip
        assert first, "a command"
        assert first == second, "the same in both languages"
    assert all(STEP.fullmatch(step) for step in steps(name))


@each
def test_options_are_those_of_the_program(name: str) -> None:
    variables = {spec.variable for spec in options_of(Settings)}
    assert set(re.findall(r"TONGBU_\w+", TEXTS[name])) <= variables
    flags = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXTS[name]))
    assert flags <= flags_of_the_program() | OTHERS


@each
def test_commands_of_ours_are_written_out_and_understood(name: str) -> None:
    for code in code_in(TEXTS[name]):
        found = OURS.fullmatch(code)
        if found:
            words = shlex.split(found[1])
            cli._parser(commands.known(words[0])).parse_args(words)
        assert found or not re.search(r"\btongbu [a-z]", code), f"{code}: say where it is typed"


@each
def test_services_and_units_are_those_that_there_are(name: str) -> None:
    asked = re.findall(r"docker compose (?:exec|ps|up -d|logs|restart) ([a-z]\w*)", TEXTS[name])
    assert set(asked) <= set(SERVICES)
    units = re.findall(r"(?:journalctl -u|systemctl restart) ([\w-]+)", TEXTS[name])
    assert set(units) <= UNITS


def test_a_new_box_is_not_shut_out_with_the_old_one() -> None:
    assert not re.search(r"\bedges revoke\b", TEXTS["BoxAway"])
    assert "不要再吊销" in TEXTS["BoxAway"]
    assert "Do not revoke" in TEXTS["BoxAway"]
