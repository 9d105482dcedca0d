/** What a player measured since its last report: delay and skew of shown frames, stalls. Pure. */

export const STALL_S = 0.2;

export interface ShownFrame {
  /** Unix seconds of the server: captured, and on the screen. */
  captured: number;
  shown: number;
  /** Seconds behind the common moment. */
  skewS: number;
}

export class Figures {
  stalls = 0;
  private delays: number[] = [];
  private skews: number[] = [];
  private lastShown: number | undefined;

  frame({ captured, shown, skewS }: ShownFrame): void {
    this.delays.push(shown - captured);
    this.skews.push(skewS);
    if (this.lastShown !== undefined && shown - this.lastShown > STALL_S) this.stalls += 1;
    this.lastShown = shown;
  }

  /** It waits for media: a stall, counted once, whatever is done about it. */
  ranDry(): void {
    if (this.lastShown === undefined) return;
    this.stalls += 1;
    this.lastShown = undefined;
  }

  /** It was moved or stopped by intention: the gap that follows is no stall. */
  interrupted(): void {
    this.lastShown = undefined;
  }

  /** Medians of the frames since last asked; undefined when none was shown. */
  take(): { delayS: number; skewS: number } | undefined {
    const found =
      this.delays.length > 0
        ? { delayS: median(this.delays), skewS: median(this.skews) }
        : undefined;
    this.delays = [];
    this.skews = [];
    return found;
  }
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
