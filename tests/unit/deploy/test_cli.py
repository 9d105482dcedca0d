"""Exit codes and sentences of the command line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from deploy.cli import main


def spoken(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serve", "--listen", "x"], "listen must be HOST:PORT such as 127.0.0.1:8080, not 'x'"),
        (["serve", "--sever-listen", "x"], "unrecognized arguments: --sever-listen x"),
        (["dance"], "invalid choice: 'dance'"),
        (["serve", "--config", "/nonexistent.toml"], "no file /nonexistent.toml"),
        ([], "COMMAND"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_code_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    code, _, err = spoken(capsys, *arguments)
    assert code == 2
    assert sentence in err
    assert len(err.strip().splitlines()) == 1


def test_an_option_of_the_environment_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGBU_SERVER_WORKERS", "many")
    code, _, err = spoken(capsys, "config", "--example")
    assert (code, err) == (2, "tongbu: TONGBU_SERVER_WORKERS must be a whole number, not 'many'\n")


def test_the_example_configuration_is_a_file_that_works(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = spoken(capsys, "config", "--example")
    assert code == 0
    tomllib.loads(out)
    file = tmp_path / "tongbu.toml"
    file.write_text(out)
    assert spoken(capsys, "config", "--example", "--config", str(file))[0] == 0
