"""Rules, dashboards and runbooks ask only for what origin, worker and a school's box export."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from catalog.db.embedded import running_server
from catalog.edge_ca_files import CaFolder
from deploy.alerts import ALERTS, RECORDS
from deploy.dashboards import ALL
from deploy.edges_commands import EDGE_CA
from loadtests.client import Client
from loadtests.service import Service, end, running, service_environment, wait_for_address
from tests.support.operations import board, box_of, lesson_on
from tests.support.publishing import publisher
from tests.support.qoe import raw_report
from tests.support.runbooks import STEP, TEXTS, steps
from tests.support.series import (
    TARGET,
    asked_in,
    labels_asked,
    labels_by_name,
    labels_given,
    labels_shown,
    names_of,
    strangers,
)
from tests.support.wait import eventually

ASKED = {record.name: (record.expression, "") for record in RECORDS}
ASKED |= {alert.name: (alert.expression, alert.says + alert.says_en) for alert in ALERTS}
ASKED |= {
    f"{page.uid} {number}": (query.expression, query.legend)
    for page in ALL
    for number, query in enumerate(page.queries())
}
ASKED |= {
    f"{page.uid} {one.name}": (one.metric, f"{{{{{one.label}}}}}")
    for page in ALL
    for one in page.variables
}
COMPUTED = {record.name: labels_given(record.expression) for record in RECORDS
            if " by (" in record.expression}  # fmt: skip
COMPUTED["school:tongbu_qoe_rebuffer:ratio"] = {"school"}
# Prometheus' own, and what only a fault of its own makes: their labels stand in FAMILIES.
OWN = {"up": set(), "ALERTS": {"alertname", "alertstate"}}
CUT_OFF = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(4000)
FAULTY, WAITING = {"DeviceSlow"}, {"JobsStuck"}
LIMIT_S = 40.0


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    """A service without workers, of a city that has an authority for its boxes."""
    with tempfile.TemporaryDirectory(prefix="tongbu-exported-") as home:
        Path(home).chmod(0o711)
        CaFolder(Path(home) / "data" / EDGE_CA).make("laixi.example.cn")
        with running(data=Path(home) / "data", extra={"TONGBU_SERVER_WORKERS": "0"}) as started:
            yield started


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


def empty_steps(name: str, addresses: dict[str, str]) -> list[str]:
    """Follow a runbook's commands; give those that show nothing: `# HELP` is no figure."""
    found = []
    for command in steps(name):
        step = STEP.fullmatch(command)
        assert step, f"{name}: {command}"
        with urllib.request.urlopen(addresses[step["where"]] + step["path"], timeout=20) as answer:
            lines = answer.read().decode().splitlines()
        if not any(re.match(step["word"] or step["aged"] or ".*ok", line) for line in lines):
            found.append(f"{name}: {command}")
    return found


async def a_job_and_a_report(url: str, admin: Client, folder: Path) -> None:
    """Upload what begins as a video and is none, and tell of a viewing."""
    broken = folder / "坏了.mp4"
    await asyncio.to_thread(broken.write_bytes, CUT_OFF)
    await admin.upload(broken, {"title": "坏了的课", "subject": "math"})
    headers = {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as viewer,
        viewer.post(f"{url}/qoe", data=raw_report(), headers=headers) as answer,
    ):
        assert answer.status == 204, await answer.text()


@pytest.mark.timeout(120)
async def test_everything_asked_for_is_exported_and_every_label_is_bounded(
    service: Service, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        lesson = await stack.enter_async_context(lesson_on(service.url, 1))
        await stack.enter_async_context(publisher(lesson.push))
        await stack.enter_async_context(board(service.url, lesson, lesson.rooms[0]))
        box = await box_of(stack, service, lesson, service.url)
        addresses = {"ORIGIN": service.url, "BOX": box.url}
        await a_job_and_a_report(service.url, lesson.admin, tmp_path)
        await shown_by_every_step(addresses, WAITING)  # while no worker is there
        worker = running_worker(service)
        roles = {"origin": service.url, "worker": await asyncio.to_thread(worker.__enter__)}
        stack.push_async_callback(asyncio.to_thread, worker.__exit__, None, None, None)
        roles["box"] = box.url
        await shown_by_every_step(addresses, {one.name for one in ALERTS} - WAITING - FAULTY)
        found = {role: await asyncio.to_thread(scraped, url) for role, url in roles.items()}
    check_names_and_labels([family for families in found.values() for family in families])


async def shown_by_every_step(addresses: dict[str, str], alerts: set[str]) -> None:
    """Wait until each command of these runbooks shows something."""
    left: list[str] = []

    async def none_left() -> bool:
        left[:] = [
            step
            for alert in alerts
            for step in await asyncio.to_thread(empty_steps, alert, addresses)
        ]
        return not left

    try:
        await eventually(none_left, LIMIT_S)
    except AssertionError:
        pytest.fail(f"nothing is shown by {left}")


def check_names_and_labels(families: list[Metric]) -> None:
    """Hold what is asked for against what was scraped."""
    exported = set(names_of(families))
    assert not asked_in("tongbu_live_viewers") - exported
    assert asked_in("tongbu_live_listeners") - exported
    computed = {record.name for record in RECORDS}
    missing = {
        where: names
        for where, (expression, _) in ASKED.items()
        if (names := asked_in(expression) - exported - computed)
    }
    assert not missing
    named = {name for text in TEXTS.values() for name in re.findall(r"tongbu_[a-z0-9_]+", text)}
    begun = {one[: len(name)] for name in named for one in exported if one[len(name) :][:1] == "_"}
    assert not named - exported - begun - {name for name in named if name[-1] == "_"}
    for family in families:
        for sample in family.samples:
            assert not strangers(sample.name, sample.labels), sample
    with_series = labels_by_name(families) | COMPUTED
    wrong = {where: found for where, (expression, text) in ASKED.items()
             if (found := labels_without_series(expression, text, with_series))}  # fmt: skip
    assert not wrong


def labels_without_series(expression: str, text: str, known: dict[str, set[str]]) -> set[str]:
    """Give the labels asked for that no series of an expression's names has."""
    names = asked_in(expression)
    if not names <= known.keys():
        return set()
    there = set(TARGET).union(*(known[name] for name in names))
    there |= {label for own, labels in OWN.items() if own in expression for label in labels}
    return (labels_asked(expression) | labels_shown(text)) - there


def test_a_label_that_no_series_has_is_found() -> None:
    known = {"tongbu_a": {"state"}}
    asked = 'sum by (state, rung) (tongbu_a{job="x",why=~"a|b"})'
    assert labels_without_series(asked, "{{state}} {{kind}}", known) == {"rung", "why", "kind"}
    assert labels_without_series(asked, "", {"tongbu_a": {"state", "rung", "why"}}) == set()


def test_selectors_name_the_jobs_that_there_are() -> None:
    jobs = {job for text, _ in ASKED.values() for job in re.findall(r'job="([^"]+)"', text)}
    assert jobs <= {"tongbu-origin", "tongbu-worker", "tongbu-edge"}


def test_names_are_found_in_expressions() -> None:
    found = asked_in('sum by (le) (rate(tongbu_a_bucket{x="tongbu"}[1m])) > a:tongbu_b:c / up')
    assert found == {"tongbu_a_bucket", "a:tongbu_b:c"}
