"""What an S3 answer means: from status and error code to the port's errors. Pure.

Spec: the S3 REST API's error responses (an XML body with Code and Message).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from catalog.store.port import ObjectMissing, StoreAway, StoreError, StoreFull

MESSAGE_LIMIT = 200
_FULL = frozenset(
    {"InsufficientStorage", "QuotaExceeded", "StorageFull", "XMinioStorageFull", "EntityTooLarge"}
)
_CREDENTIALS = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is not a success; `again` says that the same request may be sent again."""

    error: StoreError
    again: bool = False


def refusal(key: str, status: int, code: str, message: str) -> Refusal:
    """Give what a refused request means for the one who asked for key."""
    if status == 507 or code in _FULL:
        return Refusal(StoreFull(f"the S3 store has no room ({code or status}): give it more"))
    if code == "NoSuchBucket":
        return Refusal(StoreAway("the S3 bucket is missing: make it, or correct its name"))
    if status == 404:
        return Refusal(ObjectMissing(f"no object {key}"))
    if code == "RequestTimeTooSkewed":
        return Refusal(StoreAway("the S3 store's clock and ours differ: set them by NTP"))
    if status == 403 or code in _CREDENTIALS:
        return Refusal(
            StoreAway(f"the S3 store refuses us ({code or status}): check keys, bucket and rights")
        )
    said = f"{status} {code} {message[:MESSAGE_LIMIT]}".strip()
    again = status >= 500 or status == 429 or code in {"SlowDown", "RequestTimeout"}
    return Refusal(StoreAway(f"the S3 store answered {said}"), again)


def tag(body: bytes, name: str) -> str:
    """Give the text of the first element of that name, or nothing."""
    found = re.search(rf"<{name}>([^<]*)</{name}>", body.decode("utf-8", "replace"))
    return unescape(found[1]).strip() if found else ""
