"""The wait before a child is started again."""

from __future__ import annotations

import resource

from deploy.supervise import (
    LONGEST_WAIT_S,
    SETTLED_AFTER_S,
    SHORTEST_WAIT_S,
    Backoff,
    allow_many_files,
)


def test_the_wait_doubles_up_to_its_limit_and_is_forgiven() -> None:
    waits = []
    backoff = Backoff()
    for _ in range(8):
        waits.append(backoff.wait_s)
        backoff = backoff.after(1.0)
    assert waits[:4] == [SHORTEST_WAIT_S, 0.4, 0.8, 1.6]
    assert waits[-1] == LONGEST_WAIT_S
    assert backoff.after(SETTLED_AFTER_S) == Backoff()


def test_as_many_files_may_be_open_as_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        allow_many_files()
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
