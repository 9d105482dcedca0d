/**
 * How much later than the play head says a frame is really on the screen. Pure; seconds.
 *
 * The play head is steered, but frames are looked at: decoding and the compositor of one machine may
 * put them one refresh later than those of another, and then two rooms that are both "on time" are a
 * frame apart. A frame that is shown as soon as it may be is between 0 and one refresh (1/60 s)
 * behind its moment. Where the median of two seconds lies outside of that, the play head goes so
 * much earlier or later.
 */

export const SAMPLES = 45;
export const EARLIEST_S = -0.003;
export const LATEST_S = 0.02;
/** The middle of what is meant. */
export const USUAL_S = 0.008;
export const MOST_OFFSET_S = 0.05;

export class DisplayLag {
  private lags: number[] = [];
  private offset = 0;

  /** How much earlier than the common moment the play head has to be. */
  get offsetS(): number {
    return this.offset;
  }

  /** A frame was shown so much behind its moment, by a player that runs at its usual speed. */
  frame(skewS: number): void {
    this.lags.push(skewS);
    if (this.lags.length < SAMPLES) return;
    const lag = median(this.lags);
    this.lags = [];
    if (lag >= EARLIEST_S && lag <= LATEST_S) return;
    const wish = this.offset + lag - USUAL_S;
    this.offset = Math.max(-MOST_OFFSET_S, Math.min(MOST_OFFSET_S, wish));
  }

  /** It is steered or was moved: what was shown meanwhile says nothing. */
  unsettled(): void {
    this.lags = [];
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
