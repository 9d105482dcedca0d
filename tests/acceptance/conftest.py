"""What all acceptance tests share: time. Browsers, encoders and a service begin anew in each."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIMIT_S = 240


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bound each by what a busy machine needs; the steps within have limits of their own."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LIMIT_S))
