/**
 * One zero for picture and sound. Browsers count the two from different moments, so each is put on
 * this page's clock: by the smallest lag between a frame's own time and its arrival, which is what
 * remains when nothing made it wait. Slow rise lets a drifting clock be followed. Pure; microseconds.
 */

/** How fast the lag may grow: a capture clock is off by less than 200 parts in a million. */
export const RISE_US_PER_S = 200;
/** A frame that much off begins anew: the device was changed or slept. */
export const JUMP_US = 500_000;

export class Timebase {
  private lagUs: number | undefined;
  private seenUs = 0;
  private lastUs = -Infinity;

  /**
   * Give the frame's time on this page's clock, never earlier than the one before.
   * `ownUs` is the frame's time, `arrivedUs` when its end was here minus its length.
   */
  place(ownUs: number, arrivedUs: number): number {
    const lag = arrivedUs - ownUs;
    if (this.lagUs === undefined || Math.abs(lag - this.lagUs) > JUMP_US) this.lagUs = lag;
    else {
      const risen = this.lagUs + ((arrivedUs - this.seenUs) / 1e6) * RISE_US_PER_S;
      this.lagUs = Math.min(lag, Math.max(this.lagUs, risen));
    }
    this.seenUs = arrivedUs;
    this.lastUs = Math.max(this.lastUs + 1, Math.round(ownUs + this.lagUs));
    return this.lastUs;
  }
}

const MOST_KEPT = 100;

/**
 * Times of encoded sound. Encoders count samples from their first input and never look at a clock
 * again; here what they say is put back on the clock of the input that the samples came in.
 */
export class SoundClock {
  private countedUs = 0;
  private readonly entries: { fromUs: number; placedUs: number }[] = [];

  /** Take an input of this length that belongs to this moment; gives the time to encode it with. */
  input(placedUs: number, lengthUs: number): number {
    const fromUs = this.countedUs;
    this.entries.push({ fromUs, placedUs });
    if (this.entries.length > MOST_KEPT) this.entries.shift();
    this.countedUs += lengthUs;
    return Math.round(fromUs);
  }

  /** Give the moment of an output by the time that the encoder says. */
  output(saidUs: number): number {
    const entry = this.entries.findLast((one) => one.fromUs <= saidUs + 1) ?? this.entries[0];
    return entry ? entry.placedUs + (saidUs - entry.fromUs) : saidUs;
  }
}
