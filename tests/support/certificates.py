"""Keys and requests for certificates, as a box makes them."""

from __future__ import annotations

import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

TlsKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


def key() -> ec.EllipticCurvePrivateKey:
    """A key such as a box has."""
    return ec.generate_private_key(ec.SECP256R1())


def general(name: str) -> x509.GeneralName:
    """A name or an address."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def csr(own: TlsKey, *names: str, extra: tuple[x509.GeneralName, ...] = ()) -> str:
    """A request for a certificate, signed by its own key."""
    builder = x509.CertificateSigningRequestBuilder(x509.Name([]))
    wanted = [*map(general, names), *extra]
    if wanted:
        builder = builder.add_extension(x509.SubjectAlternativeName(wanted), critical=False)
    algorithm = None if isinstance(own, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(own, algorithm).public_bytes(serialization.Encoding.PEM).decode()


def pem(own: TlsKey) -> bytes:
    """A private key as a file has it."""
    return own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def handshake(ca: str, chain: str, own: TlsKey, name: str, folder: Path) -> str:
    """Shake hands by TLS on 127.0.0.1 as browsers do; give "" or why it was refused. Blocks."""
    (folder / "chain.pem").write_text(chain)
    (folder / "tls.key").write_bytes(pem(own))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "chain.pem", folder / "tls.key")
    trusting = ssl.create_default_context(cadata=ca)
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as threads:
        serving = threads.submit(_serve_one, listener, server)
        try:
            with (
                socket.create_connection(listener.getsockname(), timeout=10) as raw,
                trusting.wrap_socket(raw, server_hostname=name) as secured,
            ):
                return "" if secured.recv(5) == b"hello" else "cut"
        except ssl.SSLError as error:
            return getattr(error, "verify_message", "") or str(error)
        finally:
            serving.result(10)


def _serve_one(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection:
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.sendall(b"hello")
        except OSError:
            return
