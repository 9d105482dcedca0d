"""Options of the store: which store they ask for, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalog.store.settings import StoreSettings

SECRET = "very-secret"
S3 = {"endpoint": "https://s3.example.org", "access_key": "ak", "secret_key": SECRET}


def test_a_directory_below_the_data_unless_named() -> None:
    assert StoreSettings().local(Path("/data")).root == Path("/data/objects")
    named = StoreSettings(directory="/media", min_free_mib=2).local(Path("/data"))
    assert (named.root, named.min_free_bytes) == (Path("/media"), 2 << 20)


def test_secrets_are_not_shown() -> None:
    settings = StoreSettings(**S3)  # type: ignore[arg-type]
    assert SECRET not in repr(settings)
    assert SECRET not in repr(settings.s3())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"endpoint": "s3.example.org"}, "http"),
        ({"endpoint": "https://s3.example.org/bucket"}, "host"),
        ({"endpoint": "https://ak:sk@s3.example.org"}, "credentials"),
        ({"bucket": "Not_A_Bucket"}, "bucket"),
        ({"secret_key": ""}, "needed"),
        ({"prefix": "../"}, "prefix"),
        ({"min_free_mib": -1}, "min_free_mib"),
    ],
)
def test_wrong_options_are_refused_with_a_sentence(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        StoreSettings(**{**S3, **wrong})  # type: ignore[arg-type]
