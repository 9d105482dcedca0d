"""Who a box is, on the box's own side: its keys on disk, its enrolment, what it shows each time.

    DIR/identity/edge.key    Ed25519, signs credentials; made here, never sent
    DIR/identity/tls.key     P-256, for the certificate of the school's LAN; never sent
    DIR/identity/edge.json   id, name, school, origin, the origin's public keys
    DIR/identity/tls.pem     the chain of the certificate, when the origin gives any

`edge.json` is written last, so a box is enrolled when it is there. What was enrolled works with no
line: keys and names are read from disk. The shell that owns the line calls `refresh` and `renew`.
"""

from __future__ import annotations

import asyncio
import time
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from catalog.edge_ca_files import write_secret
from catalog.edge_credential import LASTS_S, SCHEME, sign
from catalog.http.signin import EDGE_VERSION
from catalog.tokens import Verifier, read_public_words
from deploy.edge_asking import IdentityError, Refused, ask
from deploy.version import program_version

FOLDER, EDGE_KEY, TLS_KEY, WORDS, CHAIN = (
    "identity", "edge.key", "tls.key", "edge.json", "tls.pem",
)  # fmt: skip
MADE_EVERY_S = 20.0
RENEW_BEFORE = timedelta(days=30)
CLOCK_TOLERANCE_S = 5.0


class SchoolWords(msgspec.Struct, frozen=True):
    """The school by id and name."""

    id: str
    name: str


class EdgeWords(msgspec.Struct, frozen=True):
    """What is kept in edge.json; `keys` are the origin's public keys, base64 by key id."""

    id: str
    name: str
    school: SchoolWords
    keys: dict[str, str]
    names: list[str] = []
    origin: str = ""
    certificate: str = ""
    time_zone: str = "Asia/Shanghai"


@dataclass(slots=True)
class EdgeIdentity:
    """An enrolled box. `clock` is this machine's; its error against the origin is learnt."""

    folder: Path
    words: EdgeWords
    key: Ed25519PrivateKey = field(repr=False)
    clock: Callable[[], float] = time.time
    apart_s: float = 0.0
    version: str = field(default_factory=program_version)
    _made_utc: float = -MADE_EVERY_S
    _credential: str = ""

    @property
    def verifier(self) -> Verifier:
        """What checks playback tokens, with no line to the origin."""
        return Verifier(read_public_words(self.words.keys))

    @property
    def chain_file(self) -> Path:
        """The certificate's chain; there is none while the origin has no authority."""
        return self.folder / CHAIN

    @property
    def tls_key_file(self) -> Path:
        """The certificate's private key."""
        return self.folder / TLS_KEY

    def now_utc(self) -> float:
        """Give the time as the origin has it, as far as is known."""
        return self.clock() + self.apart_s

    def headers(self) -> Mapping[str, str]:
        """Give what every request to the origin carries: a credential made within MADE_EVERY_S."""
        now = self.now_utc()
        if not 0 <= now - self._made_utc < MADE_EVERY_S:
            self._made_utc = now
            self._credential = sign(self.words.id, self.key, now, LASTS_S)
        return {"Authorization": f"{SCHEME} {self._credential}", EDGE_VERSION: self.version}

    def hear(self, answered: Mapping[str, str]) -> None:
        """Learn from an answer's Date how far this clock is from the origin's.

        Spec: RFC 9110 6.6.1.
        """
        try:
            there = parsedate_to_datetime(answered.get("Date", "")).timestamp()
        except ValueError:
            return
        apart_s = there - self.clock()
        self.apart_s = 0.0 if abs(apart_s) < CLOCK_TOLERANCE_S else apart_s

    def certificate_ends(self) -> datetime | None:
        """Tell until when the certificate holds; None when there is none. Blocks on the disk."""
        try:
            chain = x509.load_pem_x509_certificates(self.chain_file.read_bytes())
        except (OSError, ValueError):
            return None
        return chain[0].not_valid_after_utc

    def needs_renewal(self, addresses: Sequence[str]) -> bool:
        """Tell whether it is time for a new certificate, or the LAN has new addresses."""
        ends = self.certificate_ends()
        now = datetime.fromtimestamp(self.now_utc(), UTC)
        return (
            ends is None or ends - now < RENEW_BEFORE or not set(addresses) <= {*self.words.names}
        )

    async def refresh(self, client: aiohttp.ClientSession) -> None:
        """Ask the origin who this is, and keep its present keys. Raises: IdentityError."""
        words = _words(await self._ask(client, "GET", "self"), self.words.origin)
        if words.id != self.words.id:
            raise IdentityError("the origin takes this box for another: enrol it anew")
        await self._keep(words)

    async def renew(self, client: aiohttp.ClientSession, addresses: Sequence[str]) -> None:
        """Get a new certificate for these addresses on the LAN. Raises: IdentityError."""
        csr = await asyncio.to_thread(_request, self.folder, addresses)
        found = await self._ask(client, "POST", "certificate", {"csr": csr})
        match found:
            case {"names": list(names), "certificate": str(chain)} if chain:
                await asyncio.to_thread(write_secret, self.chain_file, chain.encode())
                await self._keep(msgspec.structs.replace(self.words, names=names))
            case _:
                raise IdentityError("the origin's answer has no certificate: bring it up to date")

    async def _keep(self, words: EdgeWords) -> None:
        if words != self.words:
            await asyncio.to_thread(_write_words, self.folder, words)
            self.words = words

    async def _ask(
        self, client: aiohttp.ClientSession, method: str, what: str, body: Any = None
    ) -> Any:
        url, apart_s = f"{self.words.origin}/api/v1/edge/{what}", self.apart_s
        try:
            return await ask(client, method, url, body, self.headers(), self.hear)
        except Refused as error:
            # How wrong this clock is was learnt from the refusal itself: once more, with that.
            if error.status != HTTPStatus.UNAUTHORIZED or apart_s == self.apart_s:
                raise
        return await ask(client, method, url, body, self.headers(), self.hear)


def load(data: Path, clock: Callable[[], float] = time.time) -> EdgeIdentity | None:
    """Read who this box is; None before it has enrolled. Blocks. Raises: IdentityError."""
    folder = data / FOLDER
    try:
        words = msgspec.json.decode((folder / WORDS).read_bytes(), type=EdgeWords)
        key = serialization.load_pem_private_key((folder / EDGE_KEY).read_bytes(), None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise IdentityError(
            f"{folder} cannot be read ({error}): ask for a new code and enrol this box anew"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise IdentityError(f"{folder / EDGE_KEY} is no Ed25519 key: enrol this box anew")
    return EdgeIdentity(folder, words, key, clock)


async def enrol(
    client: aiohttp.ClientSession,
    origin: str,
    code: str,
    data: Path,
    addresses: Sequence[str] = (),
    clock: Callable[[], float] = time.time,
) -> EdgeIdentity:
    """Make fresh keys, show the code, and keep what the origin says. Raises: IdentityError."""
    folder, origin = data / FOLDER, origin.rstrip("/")
    key = Ed25519PrivateKey.generate()
    csr = await asyncio.to_thread(_prepare, folder, addresses)
    public = b64encode(key.public_key().public_bytes_raw()).decode()
    body = {"code": code, "public_key": public, "csr": csr}
    found = await ask(client, "POST", f"{origin}/api/v1/edges/enrol", body, {}, lambda _: None)
    words = _words(found, origin)
    return await asyncio.to_thread(_settle, folder, key, words, clock)


def _words(found: Any, origin: str) -> EdgeWords:
    try:
        words = msgspec.structs.replace(msgspec.convert(found, EdgeWords), origin=origin)
    except msgspec.ValidationError as error:
        raise IdentityError(f"the origin's answer is not understood: {error}") from error
    read_public_words(words.keys)
    return words


def _prepare(folder: Path, addresses: Sequence[str]) -> str:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _request(folder, addresses)


def _settle(
    folder: Path, key: Ed25519PrivateKey, words: EdgeWords, clock: Callable[[], float]
) -> EdgeIdentity:
    write_secret(folder / EDGE_KEY, _pem(key))
    if words.certificate:
        write_secret(folder / CHAIN, words.certificate.encode())
    else:
        (folder / CHAIN).unlink(missing_ok=True)
    kept = msgspec.structs.replace(words, certificate="")
    _write_words(folder, kept)
    return EdgeIdentity(folder, kept, key, clock)


def _write_words(folder: Path, words: EdgeWords) -> None:
    write_secret(folder / WORDS, msgspec.json.format(msgspec.json.encode(words)))


def _request(folder: Path, addresses: Sequence[str]) -> str:
    """Make a request for a certificate with the TLS key, which is made when there is none."""
    path = folder / TLS_KEY
    if not path.exists():
        write_secret(path, _pem(ec.generate_private_key(ec.SECP256R1())))
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "made above"
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    if addresses:
        names = [x509.IPAddress(ip_address(text)) for text in addresses]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
