"""The city's own certificate authority for edges: its certificate, and those it gives. Pure.

A browser gives cameras, microphones and WebCodecs only to pages with TLS, also on a school's LAN.
The authority vouches for names below `edge.<domain>` and for private addresses and nothing else, by
its own name constraints: a school that trusts it gives nobody the rest of the web. An edge's
certificate is no authority (CA:FALSE, no signing of certificates), and none can stand in between.

Spec: RFC 5280 4.2.1 (basic constraints, key usage, name constraints), RFC 2986 (requests),
CA/Browser Forum BR 7.1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from catalog.edges import tls_name
from catalog.errors import Invalid

CA_LASTS = timedelta(days=3652)
CERTIFICATE_LASTS = timedelta(days=90)
BEFORE = timedelta(hours=1)
NAMES_LIMIT = 8
COMMON_NAME_LIMIT_CHARS = 64
_CURVES = (ec.SECP256R1, ec.SECP384R1)
RSA_LEAST_BITS = 2048
CaKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network
LAN: tuple[_Network, ...] = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
        "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CsrAsked:
    """A request whose signature holds: its key, the names and addresses that it would have."""

    public_key: ec.EllipticCurvePublicKey
    names: tuple[str, ...]
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ca:
    """An authority: its key, its certificate, those between it and a root, and the domain."""

    key: CaKey
    certificate: x509.Certificate
    domain: str
    above: tuple[x509.Certificate, ...] = ()

    def names_for(self, edge: str, name: str, asked: CsrAsked) -> tuple[str, ...]:
        """Give what an edge's certificate is for: its own name, and the addresses it asked for.

        Raises: Invalid for a request that wants another name.
        """
        own = tls_name(edge, name, self.domain)
        if not set(asked.names) <= {own}:
            raise _refused(f"asks for other names than {own}")
        return (own, *asked.addresses)

    def issue(self, asked: CsrAsked, names: tuple[str, ...], now_utc: float) -> str:
        """Give the chain of a new certificate as PEM, the edge's own first.

        Raises: Invalid when the authority itself has ended.
        """
        now = datetime.fromtimestamp(int(now_utc), UTC)
        end = min(now + CERTIFICATE_LASTS, self.certificate.not_valid_after_utc)
        if end <= now:
            raise Invalid("the authority's certificate has ended: make one with `tongbu edges ca`")
        builder = x509.CertificateBuilder(
            issuer_name=self.certificate.subject,
            subject_name=_called(names[0]),
            public_key=asked.public_key,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - BEFORE,
            not_valid_after=end,
        )
        for extension, critical in self._extensions(asked.public_key, names):
            builder = builder.add_extension(extension, critical)
        made = builder.sign(self.key, hashes.SHA256())
        return pem_of((made, self.certificate, *self.above))

    def _extensions(
        self, key: ec.EllipticCurvePublicKey, names: tuple[str, ...]
    ) -> list[tuple[x509.ExtensionType, bool]]:
        return [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(signs=True), True),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.SubjectAlternativeName([_general(name) for name in names]), False),
            (x509.SubjectKeyIdentifier.from_public_key(key), False),
            (_authority_key(self.certificate, self.key), False),
        ]


def make_ca(domain: str, now_utc: float) -> Ca:
    """Make the city's own authority for names below `edge.<domain>` and private addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.fromtimestamp(int(now_utc), UTC)
    subject = _called(f"Tongbu edges of {domain}")
    permitted = [x509.DNSName(f"edge.{domain}"), *map(x509.IPAddress, LAN)]
    public = key.public_key()
    made = (
        x509.CertificateBuilder(subject, subject, public, x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + CA_LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Ca(key, made, domain)


def read_ca(key_pem: bytes, chain_pem: bytes, domain: str, now_utc: float) -> Ca:
    """Read an authority: its key, its certificate first. Raises: Invalid with what is wrong."""
    try:
        key = serialization.load_pem_private_key(key_pem, None)
        chain = x509.load_pem_x509_certificates(chain_pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(f"key and certificate must be PEM, the key without password: {error}") from (
            error
        )
    own = chain[0]
    if not isinstance(key, CaKey) or not _is_strong(key):
        raise Invalid("the authority's key must be EC on P-256 or P-384, or RSA of 2048 bits")
    if own.public_key() != key.public_key():
        raise Invalid("the key is not the certificate's: the authority's own must come first")
    if not _is_authority(own):
        raise Invalid("this certificate is no authority's (CA:TRUE, signing of certificates)")
    if own.not_valid_after_utc.timestamp() <= now_utc:
        raise Invalid("the authority's certificate has ended")
    return Ca(key, own, domain, tuple(chain[1:]))


def read_csr(text: str) -> CsrAsked:
    """Read a request for a certificate (PEM). Raises: Invalid."""
    try:
        request = x509.load_pem_x509_csr(text.encode("ascii", "replace"))
        proven = request.is_signature_valid
        key = request.public_key()
        names, addresses = _asked_names(request)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise _refused(f"cannot be read: {error}") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, _CURVES):
        raise _refused("must be for an EC key on P-256 or P-384")
    if not proven:
        raise _refused("is not signed by the key that it is for")
    if len(names) + len(addresses) > NAMES_LIMIT:
        raise _refused(f"asks for more than {NAMES_LIMIT} names")
    for address in addresses:
        if not any(address in network for network in LAN):
            raise _refused(f"asks for {address}, which is no address of a school's own network")
    return CsrAsked(key, names, tuple(map(str, addresses)))


def _asked_names(request: x509.CertificateSigningRequest) -> tuple[tuple[str, ...], list[_Address]]:
    try:
        found = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), []
    names = tuple(name.casefold() for name in found.get_values_for_type(x509.DNSName))
    addresses = [ip_address(str(item)) for item in found.get_values_for_type(x509.IPAddress)]
    if len(names) + len(addresses) != len(list(found)):
        raise ValueError("it asks for what is neither a name nor an address")
    return names, addresses


def pem_of(certificates: tuple[x509.Certificate, ...]) -> str:
    """Give certificates as one text."""
    return "".join(c.public_bytes(serialization.Encoding.PEM).decode() for c in certificates)


def domain_of(text: str) -> str:
    """Give a domain in the form it is kept. Raises: Invalid."""
    domain = text.strip().rstrip(".").casefold()
    labels = domain.split(".")
    good = all(
        0 < len(part) <= 63 and part.isascii() and part.replace("-", "a").isalnum()
        and not part.startswith("-") and not part.endswith("-")
        for part in labels
    )  # fmt: skip
    if not good or len(domain) > 200:
        raise Invalid(f"{text!r} is no domain: give one such as school.example.cn")
    return domain


def _usage(signs: bool) -> x509.KeyUsage:
    """Give what a key is for: signing a handshake, or certificates."""
    return x509.KeyUsage(
        digital_signature=signs, key_cert_sign=not signs, crl_sign=not signs,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _is_strong(key: CaKey) -> bool:
    if isinstance(key, rsa.RSAPrivateKey):
        return key.key_size >= RSA_LEAST_BITS
    return isinstance(key.curve, _CURVES)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return basic.ca and usage.key_cert_sign


def _authority_key(certificate: x509.Certificate, key: CaKey) -> x509.AuthorityKeyIdentifier:
    try:
        own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def _called(name: str) -> x509.Name:
    common = name[:COMMON_NAME_LIMIT_CHARS]
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _refused(what: str) -> Invalid:
    return Invalid(f"the request for a certificate {what}", {"csr": what})
