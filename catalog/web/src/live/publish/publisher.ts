/**
 * Sends picture and sound of this page to a feed: WebCodecs over a WebSocket, MediaRecorder where
 * the browser has no encoder. Comes back by itself; the server joins both halves.
 */
import { Link, socketUrl } from "../stream/link";
import { CodecEncoding, supportedCodec } from "./codecEncoding";
import type { Encoding, PublishSource, Send } from "./encoding";
import { PASSING, readAnswer, type PublishAnswer, type RefusedWhy } from "./framing";
import { RecorderEncoding, recordedType } from "./recorderEncoding";

export type PublishPhase = "connecting" | "sending" | "broken" | "refused" | "ended";

export interface PublishStats {
  videoBps: number;
  audioBps: number;
  fps: number;
  dropped: number;
  speed: number | null;
}

export interface PublishEvents {
  phase(phase: PublishPhase, why?: RefusedWhy | "encoder"): void;
  stats?(stats: PublishStats): void;
}

const SILENT_MS = 6000;

export class Publisher {
  private readonly link: Link;
  private readonly timer: number;
  private encoding: Encoding | undefined;
  private accepted = false;
  private over = false;

  constructor(
    path: string,
    private readonly source: PublishSource,
    private readonly events: PublishEvents,
  ) {
    this.link = new Link(
      () => socketUrl(path),
      {
        open: () => void this.opened(),
        text: (text) => this.answered(readAnswer(text)),
        closed: (_, again) => this.closed(again),
      },
      { final: [1003, 1009], silentMs: () => SILENT_MS },
    );
    this.timer = window.setInterval(() => this.encoding?.tick(), 1000);
    events.phase("connecting");
  }

  /** A new picture is on the canvas. */
  picture(ownUs: number): void {
    if (this.accepted) this.encoding?.picture(ownUs);
  }

  close(): void {
    this.over = true;
    window.clearInterval(this.timer);
    this.encoding?.close();
    this.encoding = undefined;
    this.link.close();
  }

  private async opened(): Promise<void> {
    this.encoding?.close();
    this.encoding = await this.chosen();
    if (this.over) return this.encoding?.close();
    if (!this.encoding) return this.refused("encoder");
    this.link.send(JSON.stringify({ type: "publish", ...this.encoding.hello() }));
  }

  private async chosen(): Promise<Encoding | undefined> {
    const send: Send = (data) => void this.link.send(data);
    const backedUp = () => this.link.bufferedBytes;
    const failed = () => this.link.connected && void this.opened();
    const codec = await supportedCodec();
    if (codec) return new CodecEncoding(codec, this.source, send, backedUp, failed);
    const type = recordedType();
    return type ? new RecorderEncoding(type, this.source, send, backedUp) : undefined;
  }

  private answered(answer: PublishAnswer): void {
    switch (answer.type) {
      case "accepted":
        this.link.worked();
        this.accepted = true;
        this.encoding?.begin();
        return this.events.phase("sending");
      case "refused": return this.refused(answer.why);
      case "keyframe": return this.encoding?.keyframe();
      case "stats": return this.events.stats?.(answer);
      case "ended": return this.end();
      case "other": return;
    }
  }

  private refused(why: RefusedWhy | "encoder"): void {
    this.accepted = false;
    this.events.phase("refused", why);
    if (!PASSING.has(why)) this.close();
  }

  private end(): void {
    this.events.phase("ended");
    this.close();
  }

  private closed(again: boolean): void {
    this.accepted = false;
    if (this.over) return;
    if (again) this.events.phase("broken");
  }
}
