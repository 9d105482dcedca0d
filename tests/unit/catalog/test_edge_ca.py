"""The authority of the edges: what it vouches for, and that nobody else can."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from catalog.edge_ca import (
    CA_LASTS,
    CERTIFICATE_LASTS,
    NAMES_LIMIT,
    Ca,
    domain_of,
    make_ca,
    pem_of,
    read_ca,
    read_csr,
)
from catalog.edge_ca_files import CERTIFICATE, KEY, SETTINGS, CaFolder
from catalog.errors import Conflict, Invalid, Unavailable
from catalog.ids import make_id
from tests.support.certificates import csr, handshake, key, pem

NOW = 1_790_000_000.5
EDGE = make_id(1, 1)
DOMAIN = "school.example"


@pytest.fixture(scope="module")
def ca() -> Ca:
    """An authority made now."""
    return make_ca(DOMAIN, datetime.now(UTC).timestamp())


def issued(ca: Ca, own: ec.EllipticCurvePrivateKey, *names: str) -> str:
    asked = read_csr(csr(own, *names))
    now = datetime.now(UTC).timestamp()
    return ca.issue(asked, ca.names_for(EDGE, "tianye", asked), now)


def test_a_browser_believes_an_edge_by_name_and_by_address(ca: Ca, tmp_path: Path) -> None:
    own, trusted = key(), pem_of((ca.certificate,))
    chain = issued(ca, own, "127.0.0.1", "192.168.1.5", "fd00::5")
    for name in ("tianye.edge.school.example", "127.0.0.1"):
        assert handshake(trusted, chain, own, name, tmp_path) == ""
    for name in ("other.edge.school.example", "192.168.1.6"):
        assert "mismatch" in handshake(trusted, chain, own, name, tmp_path)
    stranger = pem_of((make_ca(DOMAIN, NOW).certificate,))
    assert handshake(stranger, chain, own, "127.0.0.1", tmp_path) != ""


def test_an_edges_certificate_vouches_for_nobody(ca: Ca, tmp_path: Path) -> None:
    own, other = key(), key()
    chain = x509.load_pem_x509_certificates(issued(ca, own, "127.0.0.1").encode())
    basic = chain[0].extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca) == (True, False)
    assert not chain[0].extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    rogue = Ca(own, chain[0], DOMAIN, (ca.certificate,))
    forged = rogue.issue(read_csr(csr(other)), ("127.0.0.1",), datetime.now(UTC).timestamp())
    assert handshake(pem_of((ca.certificate,)), forged, other, "127.0.0.1", tmp_path) != ""


@pytest.mark.parametrize("name", ["bank.example", "8.8.8.8", "edge.school.example.evil"])
def test_the_authority_itself_is_believed_for_edges_only(ca: Ca, name: str, tmp_path: Path) -> None:
    own = key()
    chain = ca.issue(read_csr(csr(own)), (name,), datetime.now(UTC).timestamp())
    found = handshake(pem_of((ca.certificate,)), chain, own, name, tmp_path)
    assert "permitted subtree violation" in found


def test_how_long_they_last() -> None:
    made = make_ca(DOMAIN, NOW)
    assert made.certificate.not_valid_after_utc - timedelta(seconds=int(NOW)) == (
        datetime.fromtimestamp(0, UTC) + CA_LASTS
    )
    asked = read_csr(csr(key()))
    now = datetime.fromtimestamp(int(NOW), UTC)
    chain = x509.load_pem_x509_certificates(made.issue(asked, ("a",), NOW).encode())
    assert chain[0].not_valid_after_utc == now + CERTIFICATE_LASTS
    late = NOW + CA_LASTS.total_seconds() - 86_400
    chain = x509.load_pem_x509_certificates(made.issue(asked, ("a",), late).encode())
    assert chain[0].not_valid_after_utc == made.certificate.not_valid_after_utc
    with pytest.raises(Invalid, match="has ended"):
        made.issue(asked, ("a",), NOW + CA_LASTS.total_seconds() + 1)


def test_an_edge_asks_for_its_own_names_only(ca: Ca) -> None:
    own = "tianye.edge.school.example"
    assert ca.names_for(EDGE, "tianye", read_csr(csr(key()))) == (own,)
    assert ca.names_for(EDGE, "TianYe", read_csr(csr(key(), own.upper(), "10.0.0.7"))) == (
        own, "10.0.0.7",
    )  # fmt: skip
    for wrong in ("haibin.edge.school.example", "school.example", f"x.{own}", f"*.{own}"):
        with pytest.raises(Invalid, match="other names"):
            ca.names_for(EDGE, "tianye", read_csr(csr(key(), wrong)))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "cannot be read"),
        ("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----", "read"),
        (csr(ed25519.Ed25519PrivateKey.generate()), "EC key"),
        (csr(rsa.generate_private_key(65_537, 2048)), "EC key"),
        (csr(ec.generate_private_key(ec.SECP521R1())), "EC key"),
        (csr(key(), "8.8.8.8"), "own network"),
        (csr(key(), "2001:db8::1"), "own network"),
        (csr(key(), *(f"10.0.0.{n}" for n in range(NAMES_LIMIT + 1))), "more than 8 names"),
        (csr(key(), extra=(x509.RFC822Name("a@school.example"),)), "neither a name"),
        (csr(key(), extra=(x509.UniformResourceIdentifier("http://x/"),)), "neither a name"),
    ],
)
def test_requests_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(Invalid, match=why) as caught:
        read_csr(text)
    assert "csr" in caught.value.fields


def test_a_request_that_its_key_has_not_signed_is_refused() -> None:
    signed = x509.load_pem_x509_csr(csr(key(), "box.example").encode())
    raw = signed.public_bytes(serialization.Encoding.DER)
    forged = x509.load_der_x509_csr(raw.replace(b"box.example", b"bux.example"))
    with pytest.raises(Invalid):
        read_csr(forged.public_bytes(serialization.Encoding.PEM).decode())


@pytest.mark.parametrize("text", ["", "a b", "-a.cn", "a..cn", "课.cn", "a" * 64, "a." * 101])
def test_what_is_no_domain_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="is no domain"):
        domain_of(text)


def test_a_domain_is_kept_in_small_letters() -> None:
    assert domain_of(" School.Example.cn. ") == "school.example.cn"


def brought(own: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, is_ca: bool = True) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Bureau")])
    now = datetime.fromtimestamp(int(NOW), UTC)
    usage = x509.KeyUsage(
        digital_signature=False, key_cert_sign=is_ca, crl_sign=is_ca, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    made = (
        x509.CertificateBuilder(name, name, own.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=400))
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(own, hashes.SHA256())
    )
    return pem_of((made,))


def test_an_authority_brought_along(tmp_path: Path) -> None:
    own = rsa.generate_private_key(65_537, 2048)
    folder = CaFolder(tmp_path / "ca", lambda: NOW)
    folder.bring(pem(own), brought(own).encode(), DOMAIN)
    kept = folder.read()
    assert kept is not None
    chain = x509.load_pem_x509_certificates(
        kept.issue(read_csr(csr(key())), ("a.edge.school.example",), NOW).encode()
    )
    chain[0].verify_directly_issued_by(chain[1])


def test_what_is_no_authority_is_refused() -> None:
    own, other = key(), key()
    small = rsa.generate_private_key(65_537, 1024)
    cases = [
        (b"x", brought(own), "must be PEM"),
        (pem(own), "x", "must be PEM"),
        (pem(other), brought(own), "not the certificate's"),
        (pem(own), brought(own, is_ca=False), "no authority's"),
        (pem(small), brought(small), "2048"),
        (pem(ed25519.Ed25519PrivateKey.generate()), brought(own), "2048"),
    ]
    for secret, chain, why in cases:
        with pytest.raises(Invalid, match=why):
            read_ca(secret, chain.encode(), DOMAIN, NOW)
    with pytest.raises(Invalid, match="has ended"):
        read_ca(pem(own), brought(own).encode(), DOMAIN, NOW + 401 * 86_400)


def test_the_folder_keeps_its_secret_and_its_authority(tmp_path: Path) -> None:
    folder = CaFolder(tmp_path / "ca", lambda: NOW)
    assert folder.read() is None
    made = folder.make("School.Example")
    kept = folder.read()
    assert kept is not None
    assert (kept.certificate, kept.domain, kept.above) == (made.certificate, DOMAIN, ())
    assert kept.key.public_key() == made.key.public_key()
    assert stat.S_IMODE((folder.path / KEY).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    with pytest.raises(Conflict, match="trust it"):
        folder.make(DOMAIN)
    with pytest.raises(Unavailable, match="has ended"):
        CaFolder(folder.path, lambda: NOW + CA_LASTS.total_seconds()).read()
    for name in (CERTIFICATE, SETTINGS):
        (folder.path / name).write_text("{}")
        with pytest.raises(Unavailable, match="cannot be used"):
            folder.read()
