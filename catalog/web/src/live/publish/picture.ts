/**
 * The picture that is published: the camera, a screen, or the screen with the camera in its corner,
 * drawn on one canvas. The canvas is the preview too. Drawing follows the frames of the camera (or
 * the screen), not the display, so it goes on while the teacher looks at another window. A screen on
 * which nothing moves sends no frames, and without a camera there are none: then the same picture is
 * drawn again, or a sentence in its place, because who joins needs one to begin with.
 */
import type { PictureKind } from "./devices";
import { FrameReader, readsFrames } from "./frames";
import { corner, fitted, type Size } from "./layout";

export const FRAME: Size = { width: 1280, height: 720 };
const DRAW_EVERY_MS = 33;
/** Longer than between two frames of a screen on which something moves. */
const STILL_AFTER_MS = 200;
const STILL_EVERY_MS = 100;
const EMPTY = { paper: "#0e1519", ink: "#a9b8c0", font: "40px 'PingFang SC', 'Noto Sans CJK SC', sans-serif" };

type Drawable = VideoFrame | HTMLVideoElement;
type Source = "camera" | "screen";

export class Picture {
  private readonly pen: CanvasRenderingContext2D;
  private readonly readers = new Map<Source, FrameReader<VideoFrame>>();
  private readonly newest = new Map<Source, VideoFrame>();
  private readonly players = new Map<Source, HTMLVideoElement>();
  private timer = 0;
  private readonly stillTimer = window.setInterval(() => this.still(), STILL_EVERY_MS);
  private frameUs = 0;
  private frameAt = 0;
  private kind: PictureKind = "camera";

  constructor(
    readonly canvas: HTMLCanvasElement,
    /** A picture is on the canvas; `ownUs` is its camera's time. `full`: it is more than a sentence. */
    private readonly drawn: (ownUs: number, full: boolean) => void,
    private readonly lost: (source: Source) => void,
    /** What is drawn while there is nothing to show. */
    private readonly empty: string,
  ) {
    Object.assign(canvas, FRAME);
    const pen = canvas.getContext("2d", { alpha: false, desynchronized: true });
    if (!pen) throw new Error("the canvas cannot be drawn on");
    this.pen = pen;
  }

  show(kind: PictureKind): void {
    this.kind = kind;
  }

  /** Take frames of this track in place of the one before. */
  put(source: Source, stream: MediaStream | undefined): void {
    this.take(source);
    const track = stream?.getVideoTracks()[0];
    if (!track) return;
    track.addEventListener("ended", () => this.lost(source));
    if (readsFrames()) {
      const reader = new FrameReader<VideoFrame>(
        track, (frame) => this.framed(source, frame), () => undefined,
      );
      this.readers.set(source, reader);
    } else this.play(source, stream as MediaStream);
  }

  close(): void {
    window.clearInterval(this.timer);
    window.clearInterval(this.stillTimer);
    this.take("camera");
    this.take("screen");
  }

  private take(source: Source): void {
    this.readers.get(source)?.close();
    this.readers.delete(source);
    this.newest.get(source)?.close();
    this.newest.delete(source);
    const player = this.players.get(source);
    if (player) player.srcObject = null;
    this.players.delete(source);
  }

  private framed(source: Source, frame: VideoFrame): void {
    this.newest.get(source)?.close();
    this.newest.set(source, frame);
    if (this.leader() === source) this.moved(frame.timestamp);
  }

  private moved(ownUs: number): void {
    this.frameUs = ownUs;
    this.frameAt = performance.now();
    this.draw(ownUs);
  }

  private still(): void {
    const since = performance.now() - this.frameAt;
    if (since >= STILL_AFTER_MS) this.draw(this.frameUs + since * 1000);
  }

  /** The camera sets the pace where it is seen, because a still screen sends no frames. */
  private leader(): Source {
    return this.kind === "screen" || !this.readers.has("camera") ? "screen" : "camera";
  }

  private play(source: Source, stream: MediaStream): void {
    const player = document.createElement("video");
    player.muted = true;
    player.playsInline = true;
    player.srcObject = stream;
    void player.play().catch(() => undefined);
    this.players.set(source, player);
    window.clearInterval(this.timer);
    this.timer = window.setInterval(() => this.moved(performance.now() * 1000), DRAW_EVERY_MS);
  }

  private source(name: Source): Drawable | undefined {
    return this.newest.get(name) ?? this.players.get(name);
  }

  private draw(ownUs: number): void {
    const camera = this.kind === "screen" ? undefined : this.source("camera");
    const screen = this.kind === "camera" ? undefined : this.source("screen");
    const large = screen ?? camera;
    this.fill(large ? "#000" : EMPTY.paper);
    if (large) this.paint(large, fitted(sizeOf(large), FRAME));
    else this.write();
    if (screen && camera) this.paint(camera, corner(sizeOf(camera), FRAME));
    this.drawn(ownUs, large !== undefined);
  }

  private fill(colour: string): void {
    this.pen.fillStyle = colour;
    this.pen.fillRect(0, 0, FRAME.width, FRAME.height);
  }

  private write(): void {
    Object.assign(this.pen, { fillStyle: EMPTY.ink, font: EMPTY.font, textAlign: "center", textBaseline: "middle" });
    this.pen.fillText(this.empty, FRAME.width / 2, FRAME.height / 2);
  }

  private paint(content: Drawable, place: { x: number; y: number } & Size): void {
    this.pen.drawImage(content, place.x, place.y, place.width, place.height);
  }
}

function sizeOf(content: Drawable): Size {
  return content instanceof HTMLVideoElement
    ? { width: content.videoWidth, height: content.videoHeight }
    : { width: content.displayWidth, height: content.displayHeight };
}
