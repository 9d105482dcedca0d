"""The page: whole, without scripts and addresses, and what its command ends with."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from loadtests import city_report
from loadtests.capacity import programmes
from loadtests.capacity_assumptions import ASSUMPTIONS
from loadtests.city_charts import Bar, Line, Stack, bars, lines, stacks
from loadtests.city_figures import KINDS, in_chinese, ratios, to_json
from tests.unit.loadtests.test_city_figures import FIGURES

SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def report(tmp_path: Path, *more: str) -> tuple[int, str]:
    """Run the command; give its exit code and the page."""
    figures, page = tmp_path / "city.json", tmp_path / "pages" / "city.html"
    code = city_report.main([str(figures), str(page), "--baseline", str(_kept(tmp_path)), *more])
    return code, page.read_text("utf-8")


def _kept(tmp_path: Path) -> Path:
    return tmp_path / "baseline.json"


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    (tmp_path / "city.json").write_text(to_json(FIGURES), "utf-8")
    assert report(tmp_path, "--keep")[0] == 0
    return tmp_path


def test_the_page_names_every_programme_and_every_assumption(measured: Path) -> None:
    _, page = report(measured)
    for one in programmes():
        assert one.zh in page
        assert one.name in page
    for assumption in ASSUMPTIONS:
        assert assumption.zh in page


def test_ratios_are_named_in_both_languages(measured: Path) -> None:
    _, page = report(measured)
    assert "LL-HLS：送出一兆字节的 CPU / 单纯复制" in page
    for name in ratios(FIGURES):
        of, _, what = in_chinese(name).partition("：")
        assert of not in KINDS
        assert any("一" <= letter <= "鿿" for letter in what) or what == "加入 p95"
        assert escape(name) in page
    assert in_chinese("what was measured once") == "what was measured once"


def test_programmes_that_join_slowly_are_not_said_to_wait(measured: Path) -> None:
    _, page = report(measured)
    waits = [row for row in page.splitlines() if programmes()[0].zh in row and "ms</td>" in row]
    assert len(waits) == 1
    assert "<td class=n>20 ms</td>" in waits[0], "a viewer's own 20 ms, not their minute"


def test_the_model_stands_beside_what_was_measured(measured: Path) -> None:
    _, page = report(measured)
    # 95 % of 2 s, and a viewer's own 20 ms: one core has room for a hundred
    assert page.count("<td class=n>1.95 s</td><td class=n>1.92 s</td>") == 2


def test_what_was_played_stands_beside_what_the_storm_says_of_it(measured: Path) -> None:
    _, page = report(measured)
    (pairs,) = [row for row in page.splitlines() if "<td>8 节课（1 节转码），16 路" in row]
    # one encoded lesson of 0.15, seven copied ones of 0.03, sixteen viewers of 0.0025
    assert "<td class=n>0.55</td><td class=n>0.40</td>" in pairs
    assert page.count("<td class=n>10 / 15 / 12 ms</td><td class=n>1.0 %</td>") == 1
    assert "<td class=n>2 (1.5 s)</td>" in page, "homes stand still, parts come late"
    assert "服务里登记了全市：2175 条" in page


def test_a_storm_alone_is_no_report(tmp_path: Path) -> None:
    (tmp_path / "city.json").write_text(to_json(replace(FIGURES, day=None)), "utf-8")
    with pytest.raises(ValueError, match="city_day"):
        report(tmp_path, "--keep")


def test_the_page_is_one_file_without_scripts_or_addresses(measured: Path) -> None:
    _, page = report(measured)
    found = _Tags()
    found.feed(page)
    assert "script" not in found.names
    assert found.open == []
    assert not re.search(r"https?://|\bsrc=|\bhref=|@import|url\(", page)
    assert len(SVG.findall(page)) == 7
    for chart in SVG.findall(page):
        ElementTree.fromstring(chart)


def test_a_regression_ends_with_1_and_is_said(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(measured)[0] == 0
    worse = replace(FIGURES, copying_cpu_a_megabyte=0.002)
    (measured / "city.json").write_text(to_json(worse), "utf-8")
    code, page = report(measured)
    assert code == 1
    assert "REGRESSION: ws: CPU a megabyte / copying it" in capsys.readouterr().out
    assert '<span class="worse">WORSE</span>' in page


def test_a_ratio_that_is_gone_ends_with_1(measured: Path) -> None:
    kept = json.loads(_kept(measured).read_text("utf-8"))
    kept["ratios"]["what was measured once"] = {"value": 1.0, "tolerance": 2.0}
    _kept(measured).write_text(json.dumps(kept), "utf-8")
    code, page = report(measured)
    assert code == 1
    assert "MISSING" in page


def test_names_are_escaped() -> None:
    chart = bars('a "title" & more', [Bar("<课>", 1.0, "1 < 2")])
    (text, _) = ElementTree.fromstring(chart).findall("text")
    assert text.text == "<课>"


def test_bars_keep_their_proportions_and_bad_ones_stand_out() -> None:
    rows = [Bar("a", 2.0, "2"), Bar("b", 1.0, "1", mark=1.5, bad=True), Bar("c", 0.0, "0")]
    chart = ElementTree.fromstring(bars("x", rows))
    wide = [float(one.attrib["width"]) for one in chart.findall("rect")]
    assert wide[0] == pytest.approx(2 * wide[1], abs=0.1)
    assert wide[2] == 1.0
    assert [one.attrib["class"] for one in chart.findall("rect")] == ["bar", "bad", "bar"]


def test_parts_of_a_bar_follow_each_other_and_are_named() -> None:
    rows = [Stack("课", (1.0, 0.5)), Stack("<看>", (0.0, 0.25))]
    chart = ElementTree.fromstring(stacks("cores", ("origin", "database"), rows))
    first, second, *_ = chart.findall("rect")
    wide = float(first.attrib["width"])
    assert float(second.attrib["width"]) == pytest.approx(wide / 2, abs=0.1)
    assert float(second.attrib["x"]) == pytest.approx(float(first.attrib["x"]) + wide, abs=0.1)
    assert first.attrib["fill"] != second.attrib["fill"]
    said = [one.text for one in chart.findall("text")]
    assert said == ["课", "1.50", "<看>", "0.25", "origin", "database"]


def test_lines_leave_out_what_never_happens_and_what_is_too_much() -> None:
    line = Line("课", [(1, float("inf")), (2, 40.0), (4, 4.0), (8, 2.0)])
    for most, count in ((float("inf"), 3), (10.0, 2)):
        drawn = ElementTree.fromstring(lines("x", "cores", "s", [line], most))
        (track,) = drawn.findall("polyline")
        assert len(track.attrib["points"].split()) == count
        said = [one.text for one in drawn.findall("text")]
        assert said[:4] == ["1", "2", "4", "8"], "where lines end, too"
    assert "<svg" not in lines("x", "cores", "s", [Line("课", [(1, float("inf"))])])


class _Tags(HTMLParser):
    """Which tags there are, and whether each is closed."""

    VOID = ("meta", "br", "!doctype")

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
