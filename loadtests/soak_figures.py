"""What a role tells on /metrics at a moment. Pure, but for asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families


@dataclass(frozen=True, slots=True)
class Figures:
    """All samples: name and labels → value."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def sum(self, name: str, **labels: str) -> float:
        """Add up a figure over the labels that are not named; 0 when there is none."""
        wanted = labels.items()
        return sum(
            value for (found, has), value in self.samples.items() if found == name and wanted <= has
        )


NOTHING = Figures({})


def read(text: str) -> Figures:
    """Read Prometheus' text."""
    return Figures({
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    })  # fmt: skip


async def ask(http: aiohttp.ClientSession, url: str) -> Figures:
    """Ask a role. Raises: aiohttp.ClientError."""
    async with http.get(f"{url}/metrics") as answer:
        return read(await answer.text())
