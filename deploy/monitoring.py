"""`tongbu dashboards`: the files for Prometheus and Grafana, made of the values in this package.

They stand in prometheus/ and grafana/ as this writes them; a test holds them to it. Whoever changes
an alert or a panel runs `tongbu dashboards` and commits what it wrote.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.alerts import rules
from deploy.command import Argument, Command
from deploy.dashboards import ALL
from deploy.panels import SOURCE, as_json
from deploy.settings import Settings
from deploy.yaml_text import Value, yaml_text

HERE = Path(__file__).parent
MADE = "Made by `tongbu dashboards` from deploy/*.py: not to be edited."
SCRAPE_S = 5
SITE = "${TONGBU_SITE}"  # compose.yaml lets Prometheus fill it in; `runbook_url` is made of it
ORIGIN, WORKER, EDGE = "tongbu-origin", "tongbu-worker", "tongbu-edge"  # as in expressions
RULES = "alerts.yml"


def files(pace: float = 1.0) -> dict[Path, str]:
    """Give every file by its path below `deploy`."""
    pages = {
        Path("grafana", "dashboards", f"{page.uid}.json"):
            json.dumps(as_json(page), ensure_ascii=False, indent=1) + "\n"
        for page in ALL
    }  # fmt: skip
    grafana = Path("grafana", "provisioning")
    return {
        Path("prometheus", RULES): yaml_text(rules(pace), MADE),
        Path("prometheus", "prometheus.yml"): yaml_text(prometheus(_in_compose()), MADE),
        grafana / "datasources" / "tongbu.yml": yaml_text(_source(), MADE),
        grafana / "dashboards" / "tongbu.yml": yaml_text(_provider(), MADE),
        **pages,
    }


def prometheus(jobs: Sequence[Mapping[str, Value]], every_s: int = SCRAPE_S) -> dict[str, Value]:
    """Give Prometheus' configuration: the rules beside it, and whom it asks."""
    every = f"{every_s}s"
    about: dict[str, Value] = {
        "scrape_interval": every,
        "scrape_timeout": every,
        "evaluation_interval": every,
        "external_labels": {"site": SITE},
    }
    return {"global": about, "rule_files": [RULES], "scrape_configs": jobs}


def static_job(name: str, *addresses: str) -> dict[str, Value]:
    """Give a job that asks these addresses (HOST:PORT)."""
    return {"job_name": name, "static_configs": [{"targets": addresses}]}


def _in_compose() -> list[dict[str, Value]]:
    """Give the jobs of compose.yaml; boxes that the city reaches are listed in boxes/*.json."""
    boxes: dict[str, Value] = {
        **_by_name(EDGE, "edge", 8080),
        "file_sd_configs": [{"files": ["boxes/*.json"]}],
    }
    return [static_job(ORIGIN, "origin:8080"), _by_name(WORKER, "worker", 8081), boxes]


def _by_name(job: str, name: str, port: int) -> dict[str, Value]:
    found: dict[str, Value] = {
        "names": [name],
        "type": "A",
        "port": port,
        "refresh_interval": "15s",
    }
    return {"job_name": job, "dns_sd_configs": [found]}


def _source() -> dict[str, Value]:
    about: dict[str, Value] = {
        "name": "Prometheus",
        "uid": SOURCE["uid"],
        "type": SOURCE["type"],
        "access": "proxy",
        "url": "http://prometheus:9090",
        "isDefault": True,
        "jsonData": {"timeInterval": f"{SCRAPE_S}s", "manageAlerts": False},
    }
    return {"apiVersion": 1, "datasources": [about]}


def _provider() -> dict[str, Value]:
    about: dict[str, Value] = {
        "name": "tongbu",
        "folder": "同步",
        "type": "file",
        "allowUiUpdates": False,
        "options": {"path": "/var/lib/grafana/dashboards"},
    }
    return {"apiVersion": 1, "providers": [about]}


def write(where: Path, pace: float = 1.0) -> list[Path]:
    """Write every file below a folder; give their paths."""
    written = []
    for path, text in files(pace).items():
        (where / path).parent.mkdir(parents=True, exist_ok=True)
        (where / path).write_text(text, "utf-8")
        written.append(where / path)
    return written


def _run(_: Settings, asked: argparse.Namespace) -> int:
    for path in write(asked.directory):
        sys.stdout.write(f"{path}\n")
    return 0


COMMANDS = (
    Command("dashboards", "write the files for Prometheus and Grafana", _run,
            (Argument(("directory",), {"metavar": "DIR", "type": Path, "nargs": "?",
                                       "default": HERE, "help": "where to; the program's own"
                                       " folder when left out"}),)),
)  # fmt: skip
