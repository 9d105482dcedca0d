"""A camera: answers RTSP and sends ffmpeg's RTP packets between the answers, one picture track."""

from __future__ import annotations

import asyncio
import contextlib
import re
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from struct import pack

from tests.support.children import FFMPEG
from tests.support.publishing import H264, PICTURE


class Camera(asyncio.DatagramProtocol):
    """Keeps who is playing; every packet goes to them."""

    def __init__(self) -> None:
        self.players: set[StreamWriter] = set()
        self.sdp = ""
        self.url = ""

    def datagram_received(self, data: bytes, addr: object) -> None:
        for player in self.players:
            player.write(b"$" + pack(">BH", 0, len(data)) + data)

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one client until it goes."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                request = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self._answer(request, writer)
        self.players.discard(writer)
        writer.close()

    def _answer(self, request: str, writer: StreamWriter) -> None:
        found = re.search(r"([A-Z_]+) rtsp", request)
        method = found[1] if found else ""
        number = request.lower().partition("cseq:")[2].split("\r\n")[0].strip()
        headers, body = [f"CSeq: {number}", "Session: 1"], ""
        if method == "DESCRIBE":
            body = self.sdp
            headers += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif method == "SETUP":
            headers.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        elif method == "OPTIONS":
            headers.append("Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN")
        writer.write(("RTSP/1.0 200 OK\r\n" + "\r\n".join(headers) + "\r\n\r\n" + body).encode())
        if method == "PLAY":
            self.players.add(writer)


@contextlib.asynccontextmanager
async def camera() -> AsyncIterator[Camera]:
    """Run a camera on loopback."""
    loop = asyncio.get_running_loop()
    transport, here = await loop.create_datagram_endpoint(Camera, ("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    process = await asyncio.create_subprocess_exec(
        FFMPEG, "-v", "error", "-nostdin", *PICTURE, *H264, "-flags", "+global_header",
        "-f", "rtp", f"rtp://127.0.0.1:{port}", stdout=PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    server = await asyncio.start_server(here.serve, "127.0.0.1", 0)
    try:
        lines = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=camera", "c=IN IP4 0.0.0.0", "t=0 0"]
        async with asyncio.timeout(20):
            while not lines[-1].startswith("a=fmtp"):
                line = (await process.stdout.readline()).decode().strip()
                lines += [line] if line.startswith(("m=", "a=rtpmap", "a=fmtp")) else []
        here.sdp = "\r\n".join([*lines, "a=control:track1", ""])
        here.url = f"rtsp://127.0.0.1:{server.sockets[0].getsockname()[1]}/camera"
        yield here
    finally:
        server.close()
        process.kill()
        await process.communicate()
        transport.close()
