"""The English and the Chinese README say the same things in the same order, and lead somewhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.api_reference import anchor

ROOT = Path(__file__).parents[2]
PAIRS = [("README.md", "README.zh-CN.md"), ("docs/figures.md", "docs/figures.zh-CN.md")]
TELLING = 10
PAGES = sorted(
    path.relative_to(ROOT)
    for folder in (".", "docs", "catalog", "transcoder", "streaming", "deploy")
    for path in (ROOT / folder).glob("*.md" if folder in (".", "docs") else "**/*.md")
    if "node_modules" not in path.parts
)
# Words in commands that a reader replaces.
PLACES = {"名字": "NAME", "学校": "SCHOOL", "密钥": "KEY"}
HEADING = re.compile(r"(#{1,6}) (.+)")
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ADDRESS = re.compile(r"https?://[A-Za-z0-9.:/_-]+")
WORD = re.compile("|".join(PLACES))


@dataclass(frozen=True, slots=True)
class Section:
    """What of a section does not depend on the language it is written in."""

    level: int
    spans: Counter[str]
    commands: tuple[str, ...]
    rows: tuple[Counter[str], ...]
    items: int
    links: Counter[str]
    addresses: Counter[str]


def sections(text: str) -> Iterator[Section]:
    """Take a page apart at its headings."""
    for part in re.split(r"^(?=#{1,6} )", text, flags=re.MULTILINE):
        if not part.strip():
            continue
        lines = part.splitlines()
        head = HEADING.match(lines[0])
        assert head, lines[0]
        prose = [line for line in lines if not line.startswith("    ")]
        yield Section(
            len(head[1]),
            Counter(in_english(span) for span in SPAN.findall("\n".join(prose))),
            tuple(in_english(line).split("  ")[0] for line in code_of(lines)),
            tuple(Counter(map(in_english, SPAN.findall(row))) for row in prose if row[:1] == "|"),
            sum(bool(re.match(r"\s*(-|\d+\.) ", line)) for line in prose),
            Counter(target_of(link) for link in LINK.findall(part)),
            Counter(ADDRESS.findall("\n".join(prose))),
        )


def code_of(lines: list[str]) -> list[str]:
    return [line.strip() for line in lines if line.startswith("    ")]


def in_english(text: str) -> str:
    return WORD.sub(lambda found: PLACES[found[0]], text)


def target_of(link: str) -> str:
    """Give where a link leads in either language; an address within a page is any there."""
    path = link.partition("#")[0]
    return path.replace(".zh-CN.md", ".md") if path else "#"


@pytest.mark.parametrize(("english", "chinese"), PAIRS)
def test_both_have_the_same_bones(english: str, chinese: str) -> None:
    first, second = (
        list(sections((ROOT / name).read_text("utf-8"))) for name in (english, chinese)
    )
    assert [one.level for one in first] == [one.level for one in second]
    for ours, theirs in zip(first, second, strict=True):
        assert ours == theirs


BOTH = "# A\n\nRun `make serve`: [more](deploy/README.md), ![b](b.svg).\n\n    make serve  runs\n"


@pytest.mark.parametrize(
    ("chinese", "same"),
    [
        (BOTH.replace("Run", "运行").replace("runs", "启动").replace(".md", ".zh-CN.md"), True),
        (BOTH.replace("`make serve`", "`make test`"), False),
        (BOTH.replace("    make serve", "    make test"), False),
        (BOTH.replace("b.svg", "c.svg"), False),
        (BOTH + "\n## B\n", False),
        (BOTH + "\n- one more\n", False),
        (BOTH + "\n| a |\n", False),
        (BOTH + "\nhttp://127.0.0.1:1\n", False),
    ],
)
def test_a_difference_is_found(chinese: str, same: bool) -> None:
    assert (list(sections(chinese)) == list(sections(BOTH))) is same


@pytest.mark.parametrize(
    ("name", "people"),
    [("README.md", ["teacher", "engineer", "developer"]),
     ("README.zh-CN.md", ["老师", "工程师", "开发者"])],
)  # fmt: skip
def test_whoever_comes_finds_the_way_in_at_the_top(name: str, people: list[str]) -> None:
    top = (ROOT / name).read_text("utf-8").partition("\n## ")[0]
    links = re.findall(r"\[([^\]]+)\]\(#", top)
    assert len(links) == len(people)
    assert all(word in link for word, link in zip(people, links, strict=True))


def rows_of(name: str, heading: str) -> list[str]:
    part = (ROOT / name).read_text("utf-8").partition(f"# {heading}\n")[2]
    return [line for line in part.splitlines() if line[:2] == "| "][1:]


@pytest.mark.parametrize(
    ("readme", "page", "heading"),
    [(*names, title) for names, title in zip(zip(*PAIRS, strict=True), ("Figures", "实测"),
                                             strict=True)],
)  # fmt: skip
def test_the_most_telling_figures_are_those_of_all(readme: str, page: str, heading: str) -> None:
    shown, known = rows_of(readme, heading), rows_of(page, heading)
    assert len(shown) == TELLING
    assert [row for row in known if row in shown] == shown


@pytest.mark.parametrize("name", PAGES, ids=str)
def test_every_link_leads_somewhere(name: Path) -> None:
    for link in LINK.findall((ROOT / name).read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if fragment and target.suffix == ".md":
            assert fragment in anchors(target), link


def anchors(page: Path) -> set[str]:
    titles = [found[2] for line in page.read_text("utf-8").splitlines()
              if (found := HEADING.match(line))]  # fmt: skip
    repeated = Counter(map(anchor, titles))
    return set(repeated) | {f"{slug}-{n}" for slug, many in repeated.items()
                            for n in range(1, many)}  # fmt: skip
