/**
 * Which delay this player could hold: how long after its capture a fragment is here. Pure.
 *
 * The largest but one of the last seconds, of picture and sound, plus decoding and one frame: what
 * the room makes D from.
 * Fragments that were already old when they were sent (on joining, after frames were skipped) say
 * nothing about the line and are passed over.
 */

export const WINDOW_S = 12;
export const MARGIN_S = 0.08;
export const PASSED_OVER_S = 1.5;
const MOST_SAMPLES = 1200;
const LEAST_SAMPLES = 10;

interface Arrival {
  at: number;
  delayS: number;
}

export class Reach {
  private arrivals: Arrival[] = [];
  private from: number | undefined;

  /** Joined or skipped: what comes next is old by intention, from the first that is measured on. */
  restart(): void {
    this.from = undefined;
  }

  /** A fragment that begins with the moment `capture` is here. Both Unix seconds of the server. */
  arrived(now: number, capture: number): void {
    this.from ??= now + PASSED_OVER_S;
    if (now < this.from || !Number.isFinite(capture)) return;
    this.arrivals.push({ at: now, delayS: now - capture });
    while (this.arrivals.length > MOST_SAMPLES || (this.arrivals[0]?.at ?? now) < now - WINDOW_S) {
      this.arrivals.shift();
    }
  }

  /** Seconds; undefined while too little is known. */
  canS(): number | undefined {
    return this.slowest(1);
  }

  /** The same for half of what comes: a line that broke off for some seconds is not a slow one. */
  usualS(): number | undefined {
    return this.slowest(Math.floor(this.arrivals.length / 2));
  }

  private slowest(index: number): number | undefined {
    if (this.arrivals.length < LEAST_SAMPLES) return undefined;
    const delays = this.arrivals.map((one) => one.delayS).sort((a, b) => b - a);
    return Math.max(0, delays[index] ?? 0) + MARGIN_S;
  }
}
