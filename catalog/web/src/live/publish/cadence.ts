/**
 * Which pictures are encoded, which of them as keyframes, and at what rate. Pure; `now` in ms.
 *
 * A keyframe every 2 s and whenever the server asks; a picture is left out while the encoder or the
 * line is behind, because late pictures only make later ones later. The rate goes down quickly when
 * the line backs up and up slowly when it stays empty.
 */

export const KEYFRAME_EVERY_MS = 2000;
export const MOST_IN_ENCODER = 3;
/** What may wait in the socket, in seconds of the stream. */
export const MOST_BACKED_UP_S = 1;
export const LEAST_BPS = 250_000;
const DOWN = 0.7;
const UP = 1.15;
const CALM_MS = 8000;
const BUSY_S = 0.3;

export class Cadence {
  rateBps: number;
  private keyAt = -Infinity;
  private wanted = true;
  private calmSince: number | undefined;
  private blocked = false;

  constructor(
    private readonly mostBps: number,
    private readonly fps: number,
  ) {
    this.rateBps = mostBps;
  }

  private lastAt = -Infinity;

  /** The next picture must stand alone. */
  wantKeyframe(): void {
    this.wanted = true;
  }

  /** "skip", or how to encode the picture of this moment. */
  picture(now: number, inEncoder: number, backedUpBytes: number): "skip" | "key" | "delta" {
    const backedUpS = (backedUpBytes * 8) / this.rateBps;
    if (backedUpS > MOST_BACKED_UP_S) this.blocked = true;
    if (this.blocked && backedUpS > BUSY_S) return "skip";
    if (this.blocked) this.wanted = true;
    this.blocked = false;
    const tooSoon = now - this.lastAt < 750 / this.fps;
    if (inEncoder > MOST_IN_ENCODER || (tooSoon && !this.wanted)) return "skip";
    this.lastAt = now;
    if (!this.wanted && now - this.keyAt < KEYFRAME_EVERY_MS) return "delta";
    this.wanted = false;
    this.keyAt = now;
    return "key";
  }

  /** Once a second; true when the rate changed. */
  adapt(now: number, backedUpBytes: number): boolean {
    const before = this.rateBps;
    const backedUpS = (backedUpBytes * 8) / this.rateBps;
    if (backedUpS > BUSY_S) {
      this.rateBps = Math.max(Math.min(LEAST_BPS, this.mostBps), this.rateBps * DOWN);
      this.calmSince = undefined;
    } else if (this.calmSince === undefined) this.calmSince = now;
    else if (now - this.calmSince >= CALM_MS) {
      this.rateBps = Math.min(this.mostBps, this.rateBps * UP);
      this.calmSince = now;
    }
    this.rateBps = Math.round(this.rateBps);
    return this.rateBps !== before;
  }
}
