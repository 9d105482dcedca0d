"""Wrong keys from one address: so many, then none is looked at for a while. Pure."""

from __future__ import annotations

from collections import OrderedDict, deque

TRIES_LIMIT = 10
TRIES_WINDOW_S = 60.0
ADDRESSES_LIMIT = 10_000


class Tries:
    """Counts wrong keys by address. Remembers a bounded number of addresses, the newest."""

    def __init__(self) -> None:
        self._wrong: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, address: str, now: float) -> float:
        """Give how long this address has to wait, 0 when it may try."""
        wrong = self._wrong.get(address)
        if wrong is None or len(wrong) < TRIES_LIMIT:
            return 0.0
        return max(0.0, wrong[0] + TRIES_WINDOW_S - now)

    def count(self, address: str, now: float) -> None:
        """Take a wrong key."""
        self._wrong.setdefault(address, deque(maxlen=TRIES_LIMIT)).append(now)
        self._wrong.move_to_end(address)
        if len(self._wrong) > ADDRESSES_LIMIT:
            self._wrong.popitem(last=False)
