"""What S3 answers mean."""

from __future__ import annotations

import pytest

from catalog.store.answers import MESSAGE_LIMIT, refusal, tag
from catalog.store.port import ObjectMissing, StoreAway, StoreError, StoreFull


@pytest.mark.parametrize(
    ("status", "code", "kind", "again", "says"),
    [
        (404, "NoSuchKey", ObjectMissing, False, "no object k"),
        (404, "", ObjectMissing, False, "no object k"),
        (404, "NoSuchBucket", StoreAway, False, "bucket is missing"),
        (403, "SignatureDoesNotMatch", StoreAway, False, "check keys"),
        (403, "RequestTimeTooSkewed", StoreAway, False, "NTP"),
        (401, "InvalidAccessKeyId", StoreAway, False, "check keys"),
        (507, "", StoreFull, False, "no room"),
        (400, "QuotaExceeded", StoreFull, False, "no room"),
        (500, "InternalError", StoreAway, True, "500 InternalError m"),
        (503, "SlowDown", StoreAway, True, "503"),
        (429, "", StoreAway, True, "429"),
        (400, "RequestTimeout", StoreAway, True, "400"),
        (301, "PermanentRedirect", StoreAway, False, "301 PermanentRedirect"),
        (400, "InvalidArgument", StoreAway, False, "400"),
    ],
)
def test_every_refusal(
    status: int, code: str, kind: type[StoreError], again: bool, says: str
) -> None:
    seen = refusal("k", status, code, "m")
    assert (type(seen.error), seen.again) == (kind, again)
    assert says in str(seen.error)


def test_a_long_message_is_cut() -> None:
    assert len(str(refusal("k", 500, "X", "m" * 9999).error)) < MESSAGE_LIMIT + 100


@pytest.mark.parametrize(
    ("body", "name", "text"),
    [
        (b"<E><Code>NoSuchKey</Code></E>", "Code", "NoSuchKey"),
        (b"<E><Message>a &amp; b</Message></E>", "Message", "a & b"),
        (b"<E><Code>\n X </Code><Code>Y</Code></E>", "Code", "X"),
        (b"", "Code", ""),
        (b"\xff\xfe<Code>", "Code", ""),
        (b"<html>proxy</html>", "Code", ""),
    ],
)
def test_an_element_is_found_in_anything(body: bytes, name: str, text: str) -> None:
    assert tag(body, name) == text
