// Runs in the page before its own scripts: reads stamps from every presented frame and notes what
// crosses the page's border (sockets, Media Source). The product knows nothing of it.
(options) => {
  const { bits, block, left, top, width, height, middle, byHls } = options;
  const seen = {
    shown: [], waiting: [], fragments: [], appended: [], targets: [], reports: [], sockets: [],
  };
  window.__seen = seen;
  const wall = (at) => performance.timeOrigin + at;
  const now = () => wall(performance.now());

  // Blocks are read at a quarter of their size: enough to average, little to copy.
  const size = 8;
  const canvas = new OffscreenCanvas(bits * size, size);
  const paper = canvas.getContext("2d", { willReadFrequently: true });

  function read(video) {
    const scale = video.videoWidth / width;
    paper.drawImage(
      video, left * scale, top * (video.videoHeight / height), bits * block * scale, block * scale,
      0, 0, bits * size, size,
    );
    const { data } = paper.getImageData(0, size / 2, bits * size, 1);
    let code = 0;
    for (let at = 0; at < bits; at += 1) {
      code = code * 2 + (data[(at * size + size / 2) * 4 + 1] > middle ? 1 : 0);
    }
    return code;
  }

  function follow(video) {
    video.addEventListener("waiting", () => seen.waiting.push(now()));
    const next = (_, meta) => {
      video.requestVideoFrameCallback(next);
      seen.shown.push([read(video), wall(meta.expectedDisplayTime), meta.mediaTime]);
    };
    video.requestVideoFrameCallback(next);
  }

  const known = new WeakSet();
  new MutationObserver(() => {
    for (const video of document.querySelectorAll("video")) {
      if (!known.has(video)) {
        known.add(video);
        follow(video);
      }
    }
  }).observe(document, { childList: true, subtree: true });

  function decodeTime(data) {
    const view = new DataView(data);
    for (let at = 4; at + 16 < Math.min(data.byteLength, 400); at += 1) {
      if (view.getUint32(at) === 0x74666474) {
        return view.getUint8(at + 4) ? Number(view.getBigUint64(at + 8)) : view.getUint32(at + 8);
      }
    }
    return undefined;
  }

  const Native = window.WebSocket;
  let hello;
  function ofStream(event) {
    if (typeof event.data === "string") {
      const message = JSON.parse(event.data);
      if (message.type === "hello") hello = message;
      if (message.type === "anchor") hello.anchor = message.anchor;
      return;
    }
    const rendition = hello?.renditions.find((one) => one.id === new Uint8Array(event.data)[0]);
    const time = rendition?.media === "video" ? decodeTime(event.data) : undefined;
    if (time !== undefined) {
      seen.fragments.push([now(), time / rendition.timescale, hello.anchor]);
    }
  }
  function ofRoom(event) {
    if (typeof event.data !== "string" || !event.data.includes('"target"')) return;
    const message = JSON.parse(event.data);
    if (message.type === "target") seen.targets.push([now(), message.d_ms]);
  }
  window.WebSocket = class extends Native {
    constructor(url, protocols) {
      super(url, protocols);
      const room = /\/room(\?|$)/.test(url);
      seen.sockets.push([now(), room ? "room" : "stream", "new"]);
      this.addEventListener("message", room ? ofRoom : ofStream);
      this.addEventListener("close", () => {
        seen.sockets.push([now(), room ? "room" : "stream", "closed"]);
      });
    }
    send(data) {
      if (typeof data === "string" && data.includes('"report"')) {
        const message = JSON.parse(data);
        if (message.type === "report") seen.reports.push([now(), message]);
      }
      super.send(data);
    }
  };

  const { addSourceBuffer } = MediaSource.prototype;
  MediaSource.prototype.addSourceBuffer = function (type) {
    const sink = addSourceBuffer.call(this, type);
    if (type.startsWith("video")) {
      sink.addEventListener("updateend", () => {
        const { buffered } = sink;
        if (buffered.length > 0) seen.appended.push([now(), buffered.end(buffered.length - 1)]);
      });
    }
    return sink;
  };

  if (byHls) {
    // What the player asks before it chooses the WebSocket, and hls.js does not ask.
    const { isTypeSupported } = MediaSource;
    MediaSource.isTypeSupported = (type) =>
      type !== 'video/mp4; codecs="avc1.42E01E"' && isTypeSupported.call(MediaSource, type);
  }
}
