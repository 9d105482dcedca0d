"""When the certificates that the city stands on end: that of its site, and its authority for boxes.

Both functions give one that blocks and tells; None when there is none or it cannot be read now.
Nothing is trusted here: a certificate that browsers refuse has an end too.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from catalog.edge_ca_files import CaFolder
from catalog.errors import Unavailable

log = logging.getLogger(__name__)

ANSWER_LIMIT_S = 5.0
HTTPS_PORT = 443
Ends = Callable[[], datetime | None]


def site_ends(url: str) -> Ends | None:
    """Ask the site itself; None when its address is not https."""
    parts = urlsplit(url)
    host = parts.hostname
    if parts.scheme != "https" or host is None:
        return None

    def ends() -> datetime | None:
        try:
            return _shown_at(host, parts.port or HTTPS_PORT)
        except (OSError, ValueError) as error:
            log.info("the certificate of %s cannot be read: %s", host, error)
            return None

    return ends


def authority_ends(ca: CaFolder) -> Ends:
    """Read the authority that signs the boxes' certificates."""

    def ends() -> datetime | None:
        try:
            found = ca.read()
        except Unavailable as error:
            log.info("%s", error)
            return None
        return None if found is None else found.certificate.not_valid_after_utc

    return ends


def _shown_at(host: str, port: int) -> datetime:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with (
        socket.create_connection((host, port), timeout=ANSWER_LIMIT_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as secure,
    ):
        shown = secure.getpeercert(binary_form=True)
    if shown is None:
        raise ValueError("it shows no certificate")
    return x509.load_der_x509_certificate(shown).not_valid_after_utc
