"""Rules and dashboards ask only for what an origin, a worker and a school's box really export."""

from __future__ import annotations

import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from catalog.db.embedded import running_server
from deploy.alerts import ALERTS, RECORDS
from deploy.dashboards import ALL
from loadtests.school import running_box, school_with_a_box
from loadtests.service import Service, end, service_environment, wait_for_address
from tests.support.runbooks import first_steps
from tests.support.series import asked_in, names_of, strangers
from tests.support.service import service as service

ASKED = {record.name: record.expression for record in RECORDS}
ASKED |= {alert.name: alert.expression for alert in ALERTS}
ASKED |= {
    f"{page.uid} {number}": query.expression
    for page in ALL
    for number, query in enumerate(page.queries())
}
ASKED |= {f"{page.uid} {one.name}": one.metric for page in ALL for one in page.variables}
STEP = re.compile(
    r'curl -sS -m 5 "\$(?P<where>ORIGIN|BOX)(?P<path>/[a-z]+)"(?: \| grep (?P<word>[a-z_]+))?'
)
COMPUTED = {record.name for record in RECORDS}


@contextmanager
def running_worker(service: Service) -> Iterator[str]:
    """A worker of the service, with a port; gives its address."""
    extra = {"TONGBU_DATABASE_URL": str(running_server(service.data))}
    with (service.data.parent / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy", "worker", "--transcode-listen", "127.0.0.1:0"],
            cwd=service.data.parent, env=service_environment(service.data, extra), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
        )  # fmt: skip
    try:
        yield wait_for_address(process, service.data.parent / "worker.log")
    finally:
        end(process)


def scraped(url: str) -> list[Metric]:
    with urllib.request.urlopen(f"{url}/metrics", timeout=20) as answer:
        return list(text_string_to_metric_families(answer.read().decode()))


@pytest.fixture
async def code(service: Service) -> str:
    """The code of a box in a new school."""
    return (await school_with_a_box(service.url))[1]


def takes_the_first_step(name: str, addresses: dict[str, str]) -> None:
    """Follow a runbook's first step, which is a request and perhaps a word to look for."""
    for command in first_steps(name):
        found = STEP.fullmatch(command)
        assert found, f"{name}: {command}"
        where = addresses[found["where"]] + found["path"]
        with urllib.request.urlopen(where, timeout=20) as answer:
            text = answer.read().decode()
        lines = [line for line in text.splitlines() if (found["word"] or "ok") in line]
        assert lines, f"{name}: {command}"


def test_everything_asked_for_is_exported_and_every_label_is_bounded(
    service: Service, code: str
) -> None:
    with running_worker(service) as worker, running_box(service.url, code) as box:
        roles = {"origin": service.url, "worker": worker, "box": box.url}
        found = {role: scraped(url) for role, url in roles.items()}
        for alert in ALERTS:
            takes_the_first_step(alert.name, {"ORIGIN": service.url, "BOX": box.url})
    exported = {name for families in found.values() for name in names_of(families)}
    assert not asked_in("tongbu_live_viewers") - exported
    assert asked_in("tongbu_live_listeners") - exported
    missing = {
        where: names
        for where, expression in ASKED.items()
        if (names := asked_in(expression) - exported - COMPUTED)
    }
    assert not missing
    for families in found.values():
        for family in families:
            for sample in family.samples:
                assert not strangers(sample.name, sample.labels), sample


def test_selectors_name_the_jobs_that_there_are() -> None:
    jobs = {job for text in ASKED.values() for job in re.findall(r'job="([^"]+)"', text)}
    assert jobs <= {"tongbu-origin", "tongbu-worker", "tongbu-edge"}


def test_names_are_found_in_expressions() -> None:
    found = asked_in('sum by (le) (rate(tongbu_a_bucket{x="tongbu"}[1m])) > a:tongbu_b:c / up')
    assert found == {"tongbu_a_bucket", "a:tongbu_b:c"}
