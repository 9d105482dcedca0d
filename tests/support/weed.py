"""The S3 store's settings for a bucket of a SeaweedFS."""

from __future__ import annotations

from catalog.store.s3 import S3Settings
from catalog.store.wire import WireSettings
from loadtests.weed import Weed


def s3_settings(weed: Weed, bucket: str, silence_limit_s: float = 15.0) -> S3Settings:
    """Settings of a store in one of its buckets."""
    wire = WireSettings(connect_limit_s=2.0, silence_limit_s=silence_limit_s)
    return S3Settings(weed.endpoint, bucket, weed.access_key, weed.secret_key, wire=wire)
