"""The tus protocol's decisions, from headers alone."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import Invalid
from catalog.ids import new_id
from catalog.tus import (
    BODY_TYPE,
    METADATA_LIMIT_BYTES,
    METADATA_LIMIT_KEYS,
    PARTS_LIMIT,
    Append,
    Checksum,
    Concat,
    Malformed,
    Progress,
    TooLarge,
    WrongOffset,
    WrongType,
    WrongVersion,
    accept,
    check_version,
    method_of,
    read_append,
    read_creation,
    read_metadata,
    write_metadata,
)

LIMIT = 10_000
A, B = new_id(), new_id()


def sha1(body: bytes) -> str:
    return "sha1 " + base64.b64encode(hashlib.sha1(body).digest()).decode()


def test_a_creation_with_everything() -> None:
    headers = {"Upload-Length": "100", "Upload-Metadata": "title 6K++,empty", "Content-Length": "9",
               "Content-Type": BODY_TYPE, "Upload-Checksum": sha1(b"x")}  # fmt: skip
    wish = read_creation(headers, LIMIT)
    assert wish.length_bytes == 100
    assert wish.metadata == {"title": "课", "empty": ""}
    assert (wish.concat, wish.parts, wish.with_body) == (Concat.ALONE, (), True)
    assert wish.checksum == Checksum("sha1", hashlib.sha1(b"x").digest())


def test_a_length_told_later_and_parts() -> None:
    assert read_creation({"Upload-Defer-Length": "1"}, LIMIT).length_bytes is None
    partial = read_creation({"Upload-Length": "0", "Upload-Concat": "partial"}, LIMIT)
    assert partial.concat is Concat.PARTIAL
    urls = f"final;/api/v1/uploads/{A} https://host/api/v1/uploads/{B}/"
    final = read_creation({"Upload-Concat": urls}, LIMIT)
    assert (final.concat, final.parts) == (Concat.FINAL, (A, B))


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, Malformed),
        ({"Upload-Length": "1", "Upload-Defer-Length": "1"}, Malformed),
        ({"Upload-Defer-Length": "2"}, Malformed),
        ({"Upload-Length": "-1"}, Malformed),
        ({"Upload-Length": "1e3"}, Malformed),
        ({"Upload-Length": "٣"}, Malformed),
        ({"Upload-Length": "1" * 17}, Malformed),
        ({"Upload-Length": "10001"}, TooLarge),
        ({"Upload-Length": "1", "Content-Length": "1"}, WrongType),
        ({"Upload-Length": "1", "Transfer-Encoding": "chunked"}, WrongType),
        ({"Upload-Concat": "whole"}, Malformed),
        ({"Upload-Concat": "final;"}, Malformed),
        ({"Upload-Concat": f"final;{A} {A}"}, Malformed),
        ({"Upload-Concat": "final;/etc/passwd"}, Malformed),
        ({"Upload-Concat": f"final;{A}", "Upload-Length": "1"}, Malformed),
        ({"Upload-Concat": f"final;{A}", "Content-Length": "1"}, Malformed),
        ({"Upload-Concat": "final;" + " ".join(new_id() for _ in range(PARTS_LIMIT + 1))},
         Malformed),
        ({"Upload-Length": "1", "Upload-Checksum": "md5 AAAA"}, Malformed),
        ({"Upload-Length": "1", "Upload-Checksum": "sha1 AAAA"}, Malformed),
        ({"Upload-Length": "1", "Upload-Checksum": "sha1 %"}, Malformed),
    ],
)  # fmt: skip
def test_creations_that_are_refused(headers: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        read_creation(headers, LIMIT)


def test_reading_an_append() -> None:
    headers = {"Upload-Offset": "7", "Content-Type": BODY_TYPE, "Upload-Length": "9"}
    assert read_append(headers, LIMIT) == Append(7, 9, None)
    with pytest.raises(Malformed):
        read_append({"Content-Type": BODY_TYPE}, LIMIT)
    with pytest.raises(WrongType):
        read_append({"Upload-Offset": "7", "Content-Type": "text/plain"}, LIMIT)


@pytest.mark.parametrize(
    ("at", "append", "body", "after"),
    [
        (Progress(5, 10), Append(5, None, None), 5, Progress(5, 10)),
        (Progress(5, 10), Append(5, 10, None), None, Progress(5, 10)),
        (Progress(5, None), Append(5, None, None), 99, Progress(5, None)),
        (Progress(5, None), Append(5, 8, None), 3, Progress(5, 8)),
        (Progress(10, 10), Append(10, None, None), 0, Progress(10, 10)),
    ],
)
def test_bytes_that_fit(at: Progress, append: Append, body: int | None, after: Progress) -> None:
    assert accept(at, append, body) == after


@pytest.mark.parametrize(
    ("at", "append", "body", "error"),
    [
        (Progress(5, 10), Append(4, None, None), 1, WrongOffset),
        (Progress(5, 10), Append(6, None, None), 1, WrongOffset),
        (Progress(5, 10), Append(5, 11, None), 1, Malformed),
        (Progress(5, None), Append(5, 4, None), 0, Malformed),
        (Progress(5, 10), Append(5, None, None), 6, TooLarge),
        (Progress(5, None), Append(5, 10, None), 6, TooLarge),
    ],
)
def test_bytes_that_do_not_fit(
    at: Progress, append: Append, body: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        accept(at, append, body)


def test_completeness() -> None:
    assert Progress(5, 5).complete
    assert not Progress(5, 6).complete
    assert not Progress(5, None).complete


def test_the_version_and_the_method() -> None:
    check_version({"Tus-Resumable": "1.0.0"})
    for headers in ({}, {"Tus-Resumable": "0.2.2"}):
        with pytest.raises(WrongVersion):
            check_version(headers)
    assert method_of("POST", {"X-HTTP-Method-Override": "patch"}) == "PATCH"
    assert method_of("POST", {}) == "POST"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("title %%%", Malformed),
        ("title /w==", Invalid),
        ("title AA==", Invalid),
        ("title 课课课课", Malformed),
        (",", Malformed),
        ("a YQ==,a YQ==", Malformed),
        ("标题 YQ==", Malformed),
        ("x" * 65, Malformed),
        ("a " + "A" * METADATA_LIMIT_BYTES, Malformed),
        (",".join(f"k{n}" for n in range(METADATA_LIMIT_KEYS + 1)), Malformed),
    ],
)
def test_metadata_that_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read_metadata(text)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=50)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), WORDS, max_size=8))
def test_metadata_goes_there_and_back(metadata: dict[str, str]) -> None:
    assert read_metadata(write_metadata(metadata)) == metadata
