"""Which feed a publisher means and with what key, read from RTMP's app and stream name. Pure.

Encoders cut an address in different places: OBS sends app `live` and the key as name, ffmpeg puts
all but the last step of a longer path into the app. So both are joined before they are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

from catalog.ids import is_id
from catalog.live import FeedName
from transcoder.live.errors import Refusal, Refused

APP = "live"
ADDRESS_LIMIT_CHARACTERS = 512
KEY_LIMIT_CHARACTERS = 128
FIELDS_LIMIT = 8


@dataclass(frozen=True, slots=True)
class Address:
    """A feed and the secret that was shown for it."""

    session: str
    feed: FeedName
    key: str


def read_address(app: str, name: str) -> Address:
    """Read `live` + `{session}[/{feed}]?key=…`. Raises: Refused."""
    whole = f"{app}/{name}"
    if len(whole) > ADDRESS_LIMIT_CHARACTERS:
        raise _wrong()
    app_path, _, app_query = app.partition("?")
    path, _, query = name.partition("?")
    steps = [step for step in f"{app_path}/{path}".split("/") if step]
    key = _read_key(query or app_query)
    if len(steps) not in (2, 3) or steps[0] != APP:
        raise _wrong()
    return make_address(steps[1], steps[2] if len(steps) == 3 else FeedName.MAIN.value, key)


def make_address(session: str, feed: str, key: str) -> Address:
    """Check the parts of an address. Raises: Refused."""
    names = {one.value: one for one in FeedName}
    if not is_id(session) or feed not in names or len(key) > KEY_LIMIT_CHARACTERS:
        raise _wrong()
    return Address(session, names[feed], key)


def _read_key(query: str) -> str:
    try:
        return parse_qs(query, max_num_fields=FIELDS_LIMIT).get("key", [""])[0]
    except ValueError:
        raise _wrong() from None


def _wrong() -> Refused:
    return Refused(
        Refusal.KEY, "no such session or key: copy server and stream key from the session's page"
    )
