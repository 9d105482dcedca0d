"""How to install stands in two languages with the same commands, and what it copies is there."""

from __future__ import annotations

import re
from pathlib import Path

from deploy.doctor import OLDEST_PYTHON
from tests.support.compose import DEPLOY

ENGLISH = (DEPLOY / "README.md").read_text("utf-8")
CHINESE = (DEPLOY / "README.zh-CN.md").read_text("utf-8")
# Debian's and Ubuntu's own Python, by the name in the text.
PYTHONS = {"Debian 12": (3, 11), "Ubuntu 24.04": (3, 12), "Ubuntu 22.04": (3, 10)}


def commands(text: str) -> list[str]:
    """Give the lines of code of the parts on installing, without their remarks."""
    installing = re.split("(?m)^## (?:Installing|安装)", text)[1:]
    assert len(installing) == 2
    lines = "".join(installing).splitlines()
    return [re.sub(r" +# .*$", "", line) for line in lines if line.startswith("    ")]


def test_both_languages_have_the_same_commands() -> None:
    assert commands(ENGLISH) == commands(CHINESE)
    assert len(commands(ENGLISH)) > 20
    assert "(README.zh-CN.md)" in ENGLISH
    assert "(README.md)" in CHINESE


def test_what_is_installed_on_a_box_is_there() -> None:
    text = "\n".join(commands(ENGLISH))
    (files,) = re.findall(r"install -m 755 (.+) /usr/local/sbin/", text)
    (documents,) = re.findall(r"install -Dm 644 -t /usr/share/doc/tongbu-edge (.+)", text)
    for name in (*files.split(), *documents.split()):
        assert (DEPLOY / "systemd" / name).exists()
    unit = (DEPLOY / "systemd/tongbu-edge.service").read_text()
    (page,) = re.findall("(?m)^Documentation=file:(.+)$", unit)
    assert page in {f"/usr/share/doc/tongbu-edge/{Path(name).name}" for name in documents.split()}


def test_the_systems_that_are_named_have_a_python_that_is_new_enough() -> None:
    for text in (ENGLISH, CHINESE):
        named = [name for name in PYTHONS if name in text]
        assert {"Debian 12", "Ubuntu 24.04"} <= set(named)
        assert all(PYTHONS[name] >= OLDEST_PYTHON for name in named)
