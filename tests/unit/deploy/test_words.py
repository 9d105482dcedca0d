"""Every command is found by its first word, and by nothing but its own module."""

from __future__ import annotations

import subprocess
import sys

import pytest

from deploy.commands import MODULES, known


def test_each_word_leads_to_its_commands() -> None:
    every = [item.name for item in known("")]
    assert len(every) == len(set(every))
    for word in MODULES:
        names = [item.name for item in known(word)]
        assert word in {name.split()[0] for name in names}
        assert set(names) <= set(every)
    assert {name.split()[0] for name in every} == set(MODULES)
    assert [item.name for item in known("--help")] == every


@pytest.mark.parametrize(
    ("word", "foreign"),
    [("user", "streaming.live.app"), ("worker", "deploy.edge_app"), ("config", "psycopg")],
)
def test_a_command_loads_no_other(word: str, foreign: str) -> None:
    program = (
        "import sys; from deploy.commands import known; "
        f"known({word!r}); sys.exit({foreign!r} in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=50).returncode == 0
