"""When the pages are built again, and what is said when they cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy import web_build
from deploy.web_build import FILES, BuildFailed, build, npm, sources, stamp_of


@pytest.fixture
def web(tmp_path: Path) -> Path:
    for name in (*FILES, ".npmrc"):
        (tmp_path / name).write_text("{}")
    for folder in ("src", "public", "tools", "tests", "dist", "node_modules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "src/main.ts").write_text("one")
    return tmp_path


def test_the_stamp_follows_names_and_contents(web: Path) -> None:
    before = stamp_of(sources(web))
    assert stamp_of(sources(web)) == before
    (web / "src/main.ts").write_text("two")
    changed = stamp_of(sources(web))
    (web / "src/main.ts").rename(web / "src/other.ts")
    assert len({before, changed, stamp_of(sources(web))}) == 3


def test_the_page_of_operations_is_built_again_with_its_runbooks(web: Path) -> None:
    assert any(path.name == "DiskFull.md" for path in sources(web))


def test_an_unchanged_build_is_not_made_again(web: Path) -> None:
    (web / "dist/.stamp").write_text(stamp_of(sources(web)))
    assert build(web) is False


def test_npm_that_fails_says_why(web: Path) -> None:
    with pytest.raises(BuildFailed, match=r"(?s)Missing script.* failed. Look there"):
        npm(web, "run", "nothing", reason="Look there.")


def test_node_of_the_wheel_comes_first() -> None:
    first = web_build.environment()["PATH"].split(":")[0]
    assert (Path(first) / "node").is_file()
