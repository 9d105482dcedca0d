"""Figures of uploads."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry

from catalog.tus import BadChecksum, Interrupted
from catalog.uploads.metrics import UploadMetrics


def fail(metrics: UploadMetrics, error: Exception) -> None:
    with metrics.receiving() as count:
        count(5)
        raise error


def test_bytes_lessons_and_failures_are_counted() -> None:
    registry = CollectorRegistry()
    metrics = UploadMetrics(registry)
    with metrics.receiving() as count:
        assert registry.get_sample_value("tongbu_uploads_active") == 1
        count(100)
    for error in (BadChecksum("x"), Interrupted("x"), Interrupted("y")):
        with pytest.raises(type(error)):
            fail(metrics, error)
    with metrics.finishing():
        pass
    with pytest.raises(OSError, match="x"), metrics.finishing():
        raise OSError("x")
    assert registry.get_sample_value("tongbu_uploads_active") == 0
    assert registry.get_sample_value("tongbu_upload_bytes_total") == 115
    assert registry.get_sample_value("tongbu_uploads_finished_total") == 1
    failures = {
        kind: registry.get_sample_value("tongbu_upload_failures_total", {"kind": kind})
        for kind in ("BadChecksum", "interrupted", "OSError")
    }
    assert failures == {"BadChecksum": 1, "interrupted": 2, "OSError": 1}
