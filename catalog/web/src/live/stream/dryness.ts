/** How long a picture has stood for want of media, and what follows. Pure; times in milliseconds. */

/** The player looks that often. */
export const BEAT_MS = 100;
/** Less is no stall that anybody sees. */
const SEEN_BEATS = 2;
/** A picture by hls.js that stands so long is opened anew. */
export const STUCK_MS = 3000;
/** The same where somebody has gone back: what is not at hand comes over the line first. */
export const STUCK_BACK_MS = 8000;
/** How a picture begins says nothing about how it goes on. */
export const BEGINS_MS = 10_000;
/** Stalls so near to each other are one. */
export const ONE_STALL_MS = 5000;
/** So long a stall is remembered. */
export const STARVED_MS = 60_000;
/** What a player whose line cannot be measured asks for after that many stalls, seconds: first the
 * longest common delay, then one of its own. */
export const NEEDS_S = [0, 1, 4, 6, 8] as const;
/** From there on whole segments come in time: parts one by one cost a round trip each. */
export const SEGMENTS_FROM_S = 4;

export class Dryness {
  private beats = 0;
  private vain = 0;
  private openedAt = -Infinity;
  private stalls = 0;
  private stalledAt = -Infinity;

  /** An engine has begun. */
  opened(now: number): void {
    this.openedAt = now;
    this.beats = this.vain = 0;
  }

  /** One look: is there nothing to show, though it comes? True once, when it has become a stall. */
  beat(dry: boolean, comes: boolean): boolean {
    this.beats = dry ? this.beats + 1 : 0;
    this.vain = dry && comes ? this.vain + 1 : 0;
    return this.beats === SEEN_BEATS;
  }

  begins(now: number): boolean {
    return now - this.openedAt <= BEGINS_MS;
  }

  /** A stall that the line is to blame for. */
  starve(now: number): void {
    if (this.begins(now) || now - this.stalledAt < ONE_STALL_MS) return;
    this.stalls = Math.min(this.remembered(now) + 1, NEEDS_S.length - 1);
    this.stalledAt = now;
  }

  /** Seconds of delay that it takes to have no more stalls, as far as stalls tell. */
  needS(now: number): number {
    return NEEDS_S[this.remembered(now)] ?? 0;
  }

  private remembered(now: number): number {
    const forgotten = Math.floor((now - this.stalledAt) / STARVED_MS);
    return Math.max(0, this.stalls - forgotten);
  }

  /** Nothing that is buffered leads on, for long, though pictures come. */
  stuck(now: number, limitMs = STUCK_MS): boolean {
    return this.vain * BEAT_MS > limitMs && !this.begins(now);
  }
}
