"""The pages' types follow the endpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.api_types import SCHEMA, described, types_of, write_types
from deploy.web_build import WEB, install


@pytest.fixture(scope="module")
def installed() -> Path:
    install(WEB)
    return WEB


def test_the_document_needs_no_service() -> None:
    found = described()
    assert {"post"} <= set(found["paths"]["/api/v1/uploads"])
    state = found["components"]["schemas"]["LessonCard"]["properties"]["state"]
    assert state["enum"][0] == "uploading"


def test_an_answer_has_every_field_and_a_question_only_what_it_must(installed: Path) -> None:
    text = types_of(described(), installed)
    page = text[text.index("        Page_Named_: {") :].partition("        };")[0]
    assert "next_cursor: string | null" in page
    pair = text[text.index("        NewPair: {") :].partition("        };")[0]
    assert "urban_school: string;" in pair
    assert "since?: string | null;" in pair


def test_the_file_is_made_anew_and_the_same_every_time(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(installed / "node_modules")
    write_types(tmp_path)
    made = (tmp_path / SCHEMA).read_text("utf-8")
    (tmp_path / SCHEMA).write_text("export type paths = never;\n")
    write_types(tmp_path)
    assert (tmp_path / SCHEMA).read_text("utf-8") == made
    assert "LessonCard" in made
