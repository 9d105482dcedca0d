"""The files for Prometheus and Grafana: up to date, valid, and each alert fires when it should."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from deploy import monitoring
from deploy.alerts import ALERTS, RECORDS, rules
from deploy.cli import main
from deploy.dashboards import ALL
from deploy.panels import ACROSS, Dashboard, Limits, as_json
from deploy.yaml_text import yaml_text
from tests.support.prometheus import promtool as promtool
from tests.unit.deploy.alert_cases import CASES, cases_file

ROOT = Path(__file__).parents[3]
SOURCES = Path("grafana/provisioning/datasources/tongbu.yml")


def told(*command: str | Path) -> str:
    """Run a command that has to succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_is_checked_in_is_what_the_program_writes() -> None:
    for path, text in monitoring.files().items():
        assert (ROOT / "deploy" / path).read_text("utf-8") == text, "run `tongbu dashboards`"
    known = {ROOT / "deploy" / path for path in monitoring.files()}
    found = {path for folder in ("prometheus", "grafana")
             for path in (ROOT / "deploy" / folder).rglob("*") if path.is_file()}  # fmt: skip
    assert found == known


def test_the_command_writes_them_where_it_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["dashboards", str(tmp_path)]) == 0
    written = capsys.readouterr().out.splitlines()
    assert {str(tmp_path / path) for path in monitoring.files()} == set(written)
    assert json.loads((tmp_path / "grafana/dashboards/tongbu-city.json").read_text("utf-8"))


def test_prometheus_takes_configuration_and_rules(promtool: str, tmp_path: Path) -> None:
    monitoring.write(tmp_path)
    told(promtool, "check", "config", tmp_path / "prometheus" / "prometheus.yml")
    monitoring.write(tmp_path, pace=0.1)
    told(promtool, "check", "rules", tmp_path / "prometheus" / "alerts.yml")


def test_each_alert_fires_when_it_should_and_clears(promtool: str, tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(yaml_text(rules()), "utf-8")
    (tmp_path / "cases.yml").write_text(yaml_text(cases_file("alerts.yml")), "utf-8")
    told(promtool, "test", "rules", tmp_path / "cases.yml")
    assert {case.alert for case in CASES} == {alert.name for alert in ALERTS}
    for case in CASES:
        assert {0} < set(case.firing.values()) or case.alert == "JobsStuck"


def test_the_pace_changes_times_and_nothing_else() -> None:
    def without_times(text: str) -> str:
        return re.sub(r"\b\d+m?s\b", "T", text)

    quick, real = yaml_text(rules(0.1)), yaml_text(rules())
    assert quick != real
    assert without_times(quick) == without_times(real)
    assert 'for: "1500ms"' in quick
    assert 'for: "15s"' in real


def test_names_are_said_once_and_alerts_speak_both_languages() -> None:
    names = [alert.name for alert in ALERTS] + [record.name for record in RECORDS]
    assert len(names) == len(set(names))
    for alert in ALERTS:
        assert re.search(r"[一-鿿]", alert.says), alert.name
        assert not re.search(r"[一-鿿]", alert.says_en), alert.name


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.uid)
def test_panels_lie_side_by_side_and_never_over_each_other(page: Dashboard) -> None:
    made = as_json(page)
    taken: set[tuple[int, int]] = set()
    for panel in made["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= ACROSS
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & taken
        taken |= cells
    numbers = [panel["id"] for panel in made["panels"]]
    assert len(numbers) == len(set(numbers))


def test_limits_may_fall() -> None:
    rising, falling = Limits(1, 5).steps(), Limits(5, 1, falling=True).steps()
    assert [step["color"] for step in rising] == ["green", "yellow", "red"]
    assert [(step["color"], step["value"]) for step in falling] == [
        ("red", None), ("yellow", 1), ("green", 5)
    ]  # fmt: skip


# Kinds that Grafana 12 has, and schemas that it reads or brings up to its own.
PANELS = {"row", "timeseries", "stat", "bargauge", "table"}
OLDEST_SCHEMA, NEWEST_SCHEMA = 39, 42


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.uid)
def test_grafana_knows_what_is_in_a_dashboard(page: Dashboard) -> None:
    made = as_json(page)
    assert OLDEST_SCHEMA <= made["schemaVersion"] <= NEWEST_SCHEMA
    (source,) = yaml.safe_load(monitoring.files()[SOURCES])["datasources"]
    asked = [made["templating"]["list"], made["panels"]]
    asked += [panel.get("targets", []) for panel in made["panels"]]
    sources = [one["datasource"] for some in asked for one in some if "datasource" in one]
    assert {(one["type"], one["uid"]) for one in sources} == {(source["type"], source["uid"])}
    assert {panel["type"] for panel in made["panels"]} <= PANELS
    for panel in made["panels"]:
        references = [target["refId"] for target in panel.get("targets", [])]
        assert (panel["type"] == "row") == (not references)
        assert len(references) == len(set(references))


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.uid)
def test_a_choice_that_is_used_is_offered(page: Dashboard) -> None:
    used = {name for query in page.queries() for name in re.findall(r"\$(\w+)", query.expression)}
    assert used == {variable.name for variable in page.variables}
