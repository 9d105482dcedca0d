"""A real browser publishes: WebCodecs, and MediaRecorder with what it can record."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser

from tests.support.live_feeds import KEY
from tests.support.publishing import studio
from tests.support.rtmp import SESSION
from transcoder.live.browser import BrowserIngest

SOURCES = """
const canvas = Object.assign(document.createElement('canvas'), {width: 640, height: 360});
const pen = canvas.getContext('2d');
let drawn = 0;
const draw = () => {
  pen.fillStyle = `hsl(${drawn++ * 7 % 360} 80% 50%)`;
  pen.fillRect(0, 0, 640, 360);
};
draw();
setInterval(draw, 33);
const sounds = new AudioContext({sampleRate: 48000});
const tone = sounds.createOscillator();
const out = sounds.createMediaStreamDestination();
tone.connect(out);
tone.start();
const stream = new MediaStream([
  ...canvas.captureStream(30).getTracks(), ...out.stream.getAudioTracks(),
]);
const socket = new WebSocket(ADDRESS);
socket.binaryType = 'arraybuffer';
window.said = [];
socket.onopen = () => socket.send(JSON.stringify(HELLO));
socket.onmessage = (event) => {
  const message = JSON.parse(event.data);
  window.said.push(message);
  if (message.type === 'accepted') begin();
};
"""
WEBCODECS = """
const send = (kind, chunk) => {
  const bytes = new Uint8Array(9 + chunk.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, kind);
  view.setBigUint64(1, BigInt(Math.max(0, Math.round(chunk.timestamp))));
  chunk.copyTo(bytes.subarray(9));
  socket.send(bytes);
};
const pump = async (track, take) => {
  const reader = new MediaStreamTrackProcessor({track}).readable.getReader();
  for (;;) { const {value} = await reader.read(); take(value); value.close(); }
};
function begin() {
  const error = (problem) => window.said.push(String(problem));
  const pictures = new VideoEncoder({
    output: (chunk) => send(chunk.type === 'key' ? 1 : 2, chunk), error});
  pictures.configure({codec: 'avc1.42E01F', width: 640, height: 360, bitrate: 1_000_000,
    framerate: 30, latencyMode: 'realtime', avc: {format: 'annexb'}});
  const heard = new AudioEncoder({output: (chunk) => send(3, chunk), error});
  heard.configure({codec: 'opus', sampleRate: 48000, numberOfChannels: CHANNELS});
  let number = 0;
  pump(stream.getVideoTracks()[0], (frame) =>
    pictures.encode(frame, {keyFrame: number++ % 30 === 0}));
  pump(stream.getAudioTracks()[0], (data) => heard.encode(data));
}
"""
RECORDER = """
function begin() {
  const recorder = new MediaRecorder(stream, {mimeType: 'video/webm;codecs=CODEC,opus',
    videoBitsPerSecond: 1_000_000, videoKeyFrameIntervalDuration: 1000});
  recorder.ondataavailable = async (event) => socket.send(await event.data.arrayBuffer());
  recorder.start(100);
}
"""


def hello(container: str, codec: str) -> dict[str, Any]:
    """What the page says first."""
    return {
        "type": "publish",
        "container": container,
        "video": {"codec": codec, "width": 640, "height": 360, "fps": 30},
        "audio": {"codec": "opus", "rate": 48000, "channels": 2},
    }


@pytest.mark.browser
@pytest.mark.parametrize(
    ("said", "script"),
    [
        (hello("webcodecs", "avc1.42e01f"), WEBCODECS.replace("CHANNELS", "2")),
        (hello("webm", "h264"), RECORDER.replace("CODEC", "h264")),
        (hello("webm", "vp8"), RECORDER.replace("CODEC", "vp8")),
    ],
    ids=["webcodecs", "webm-h264", "webm-vp8"],
)
async def test_a_browser_publishes(browser: Browser, said: dict[str, Any], script: str) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>课</title>", content_type="text/html")

    async with studio() as here:
        app = web.Application()
        app.router.add_get("/", page)
        app.router.add_get("/live/{session}/publish", BrowserIngest(here.ingest).handle)
        async with TestServer(app, host="127.0.0.1") as server:
            opened = await browser.new_page()
            await opened.goto(str(server.make_url("/")))
            address = f"ws://127.0.0.1:{server.port}/live/{SESSION}/publish?key={KEY}"
            whole = SOURCES.replace("ADDRESS", json.dumps(address))
            await opened.add_script_tag(content=whole.replace("HELLO", json.dumps(said)) + script)
            feed = await here.feed()
            await feed.reaches(lambda: feed.end_s("360p") > 3 and feed.end_s("aac") > 3, 40)
            assert feed.names() == ["360p", "180p", "aac"]
            assert len(feed.keyframes_s("360p")) >= 2
            told = await opened.evaluate("window.said")
            assert told[0]["type"] == "accepted"
            assert {one["type"] for one in told} <= {"accepted", "stats", "keyframe"}
            await opened.close()
            await feed.reaches(lambda: feed.states == ["interrupted"])
