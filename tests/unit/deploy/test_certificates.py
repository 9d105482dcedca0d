"""When the certificates of the site and of the authority for boxes end."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from catalog.edge_ca import make_ca
from catalog.edge_ca_files import CERTIFICATE, SETTINGS, CaFolder
from deploy.certificates import authority_ends, site_ends

NOW_UTC = datetime(2026, 9, 1, tzinfo=UTC).timestamp()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, x509.Certificate]]:
    """A site with a certificate that nobody trusts; gives its address."""
    made = make_ca("edges.example", NOW_UTC)
    key, chain = tmp_path / "key.pem", tmp_path / "chain.pem"
    key.write_bytes(made.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    chain.write_bytes(made.certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_greet_once, args=(listener, context))
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", made.certificate
        thread.join()


def _greet_once(listener: socket.socket, context: ssl.SSLContext) -> None:
    plain, _ = listener.accept()
    with plain, context.wrap_socket(plain, server_side=True) as secure:
        secure.recv(1)


def test_the_site_is_asked_itself(site: tuple[str, x509.Certificate]) -> None:
    url, certificate = site
    ends = site_ends(url)
    assert ends is not None
    assert ends() == certificate.not_valid_after_utc


def test_a_site_that_does_not_answer_tells_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    ends = site_ends(f"https://127.0.0.1:{port}")
    assert ends is not None
    assert ends() is None


@pytest.mark.parametrize("url", ["", "http://ketang.example", "https://"])
def test_a_site_without_https_has_no_certificate(url: str) -> None:
    assert site_ends(url) is None


def test_the_authority_is_read_from_its_folder(tmp_path: Path) -> None:
    folder = CaFolder(tmp_path / "ca")
    ends = authority_ends(folder)
    assert ends() is None
    made = folder.make("edges.example")
    assert ends() == made.certificate.not_valid_after_utc
    assert folder.certificate.name == CERTIFICATE
    (tmp_path / "ca" / SETTINGS).write_text("no JSON")
    assert ends() is None
