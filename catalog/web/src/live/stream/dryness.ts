/** How long a picture has stood for want of media, and what follows. Pure; times in milliseconds. */

/** The player looks that often. */
export const BEAT_MS = 100;
/** Less is no stall that anybody sees. */
const SEEN_BEATS = 2;
/** A picture by hls.js that stands so long is opened anew. */
export const STUCK_MS = 3000;
/** How a picture begins says nothing about how it goes on. */
export const BEGINS_MS = 10_000;
/** So long after a stall a player by LL-HLS asks for the longest common delay. */
export const STARVED_MS = 60_000;

export class Dryness {
  private beats = 0;
  private vain = 0;
  private openedAt = -Infinity;
  private starvedUntil = -Infinity;

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

  /** A stall that the line is to blame for. */
  starve(now: number): void {
    if (now - this.openedAt > BEGINS_MS) this.starvedUntil = now + STARVED_MS;
  }

  starved(now: number): boolean {
    return now < this.starvedUntil;
  }

  /** Nothing that is buffered leads on, for long, though pictures come. */
  stuck(now: number): boolean {
    return this.vain * BEAT_MS > STUCK_MS && now - this.openedAt > BEGINS_MS;
  }
}
