/**
 * The picture that is published: the camera, a screen, or the screen with the camera in its corner,
 * drawn on one canvas. The canvas is the preview too. Drawing follows the frames of the camera (or
 * the screen), not the display, so it goes on while the teacher looks at another window.
 */
import type { PictureKind } from "./devices";
import { FrameReader, readsFrames } from "./frames";
import { corner, fitted, type Size } from "./layout";

export const FRAME: Size = { width: 1280, height: 720 };
const DRAW_EVERY_MS = 33;

type Drawable = VideoFrame | HTMLVideoElement;
type Source = "camera" | "screen";

export class Picture {
  private readonly pen: CanvasRenderingContext2D;
  private readonly readers = new Map<Source, FrameReader<VideoFrame>>();
  private readonly newest = new Map<Source, VideoFrame>();
  private readonly players = new Map<Source, HTMLVideoElement>();
  private timer = 0;
  private kind: PictureKind = "camera";

  constructor(
    readonly canvas: HTMLCanvasElement,
    /** A new picture is on the canvas; `ownUs` is its camera's time. */
    private readonly drawn: (ownUs: number) => void,
    private readonly lost: (source: Source) => void,
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
    const leads = this.leader() === source;
    if (leads) this.draw(frame.timestamp);
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
    this.timer = window.setInterval(() => this.draw(performance.now() * 1000), DRAW_EVERY_MS);
  }

  private source(name: Source): Drawable | undefined {
    return this.newest.get(name) ?? this.players.get(name);
  }

  private draw(ownUs: number): void {
    const camera = this.source("camera");
    const screen = this.source("screen");
    this.pen.fillStyle = "#000";
    this.pen.fillRect(0, 0, FRAME.width, FRAME.height);
    if (this.kind !== "camera" && screen) this.paint(screen, fitted(sizeOf(screen), FRAME));
    if (this.kind === "camera" && camera) this.paint(camera, fitted(sizeOf(camera), FRAME));
    if (this.kind === "both" && camera) this.paint(camera, corner(sizeOf(camera), FRAME));
    this.drawn(ownUs);
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
