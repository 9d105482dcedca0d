"""The pages' types follow the endpoints, and a file that does not is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.api_types import SCHEMA, described, require_fresh, types_of
from deploy.web_build import WEB, BuildFailed, install


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


def test_the_file_is_fresh_and_the_same_every_time(installed: Path) -> None:
    require_fresh(installed)
    assert types_of(described(), installed) == (WEB / SCHEMA).read_text("utf-8")


@pytest.mark.parametrize("old", [None, "export type paths = never;\n"])
def test_a_stale_or_missing_file_says_what_to_run(
    installed: Path, tmp_path: Path, old: str | None
) -> None:
    (tmp_path / "src/api").mkdir(parents=True)
    (tmp_path / "node_modules").symlink_to(installed / "node_modules")
    if old is not None:
        (tmp_path / SCHEMA).write_text(old)
    with pytest.raises(BuildFailed, match="make api-types"):
        require_fresh(tmp_path)
