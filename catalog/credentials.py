"""User names, passwords, session tokens: their forms and what is derived from them. Pure.

A session token is 256 random bits. The database keeps only its SHA-256; the page gets a second
value derived from it that a foreign site can neither read nor make (X-CSRF-Token).

Spec: RFC 8265 (names in NFKC and lower case, passwords in NFC), NIST SP 800-63B 3.1.1 (length
counts, composition rules do not).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import unicodedata
from base64 import urlsafe_b64encode
from ipaddress import IPv6Address, ip_address

from catalog.errors import Invalid

USERNAME_LIMIT_CHARS = 64
PASSWORD_SHORTEST_CHARS = 8
PASSWORD_LIMIT_CHARS = 128
TOKEN_BYTES = 32
_USERNAME = re.compile(r"[^\W_][\w.@+-]*")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_READABLE = "23456789abcdefghjkmnpqrstuvwxyz"
_GROUPS, _GROUP_CHARS = 4, 4


def username_of(text: str) -> str:
    """Give a user name in the form it is kept and compared. Raises: Invalid."""
    name = unicodedata.normalize("NFKC", text[: 4 * USERNAME_LIMIT_CHARS]).strip().casefold()
    if not 2 <= len(name) <= USERNAME_LIMIT_CHARS or not _USERNAME.fullmatch(name):
        sentence = (
            f"must be 2 to {USERNAME_LIMIT_CHARS} letters, digits or . _ @ + -, "
            "and begin with a letter or digit"
        )
        raise Invalid(f"username {sentence}", {"username": sentence})
    return name


def password_of(text: str, username: str = "") -> str:
    """Give a new password in the form it is hashed. Raises: Invalid when it is too weak."""
    password = normal_password(text)
    if len(password) < PASSWORD_SHORTEST_CHARS:
        raise _weak(f"must have at least {PASSWORD_SHORTEST_CHARS} characters")
    if len(text) > PASSWORD_LIMIT_CHARS:
        raise _weak(f"must have at most {PASSWORD_LIMIT_CHARS} characters")
    if username and password.casefold() == username:
        raise _weak("must not be the user name")
    if len(set(password)) < 3:
        raise _weak("must not repeat one or two characters")
    return password


def _weak(sentence: str) -> Invalid:
    return Invalid(f"the password {sentence}", {"password": sentence})


def normal_password(text: str) -> str:
    """Give the form in which a password is compared; what is too long is cut and never fits."""
    kept = unicodedata.normalize("NFC", text[: PASSWORD_LIMIT_CHARS + 1])
    return kept.encode("utf-8", "replace").decode()


def random_password() -> str:
    """Make a password of about 79 bits that can be read out over the telephone."""
    groups = (
        "".join(secrets.choice(_READABLE) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS)
    )
    return "-".join(groups)


def new_token() -> str:
    """Make a session token."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def is_token(text: str) -> bool:
    """Tell whether text has the form of a session token."""
    return _TOKEN.fullmatch(text) is not None


def digest_of(token: str) -> bytes:
    """Give what the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


def csrf_of(token: str) -> str:
    """Give the value that a page sends back in X-CSRF-Token for a session by cookie."""
    mac = hmac.digest(token.encode(), b"tongbu csrf", "sha256")
    return urlsafe_b64encode(mac[:18]).decode()


def same(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode("utf-8", "replace"), other.encode("utf-8", "replace"))


def network_of(address: str) -> str:
    """Give whom a rate limit counts: an IPv4 address, or the /64 that one IPv6 household has."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"
