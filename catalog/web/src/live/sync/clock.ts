/**
 * The server's clock as seen from here: offset and error bound from pings. Pure.
 *
 * Of the last pings the one with the shortest round trip counts (the newest of equals); half of that
 * round trip is the bound. A ping whose interval lies apart from the best one's means that a clock
 * was set: older ones are forgotten. The twin of streaming/room/clock.py, by the vectors of
 * tests/golden/room/clock.json. Milliseconds; ours may count from anywhere, as performance.now().
 */

export const PINGS_KEPT = 8;
export const SET_CLOCK_SLACK_MS = 5;

/** Sent at t0 (ours), received at t1 and answered at t2 (the server's), back at t3 (ours). */
export interface Ping {
  t0: number;
  t1: number;
  t2: number;
  t3: number;
}

/** Server's time = our time + offset, within the error. */
export interface Reading {
  offsetMs: number;
  errorMs: number;
}

export class ServerClock {
  private readings: Reading[] = [];
  private trusted: Reading | undefined;

  /** Take one answered ping; one that ends before it began is passed over. */
  take({ t0, t1, t2, t3 }: Ping): void {
    const roundTripMs = t3 - t0 - (t2 - t1);
    if (!(roundTripMs >= 0) || !(t2 >= t1) || roundTripMs === Infinity) return;
    const reading = { offsetMs: (t1 - t0 + (t2 - t3)) / 2, errorMs: roundTripMs / 2 };
    if (this.trusted && apartMs(this.trusted, reading) > SET_CLOCK_SLACK_MS) this.readings = [];
    this.readings.push(reading);
    if (this.readings.length > PINGS_KEPT) this.readings.shift();
    this.trusted = this.readings.reduce((a, b) => (b.errorMs <= a.errorMs ? b : a));
  }

  /** The reading to trust; undefined before the first ping. */
  get best(): Reading | undefined {
    return this.trusted;
  }

  get known(): boolean {
    return this.trusted !== undefined;
  }

  /** Give the server's time at ours; ours itself while nothing is known. */
  serverMs(oursMs: number): number {
    return oursMs + (this.trusted?.offsetMs ?? 0);
  }
}

function apartMs(a: Reading, b: Reading): number {
  return Math.abs(a.offsetMs - b.offsetMs) - a.errorMs - b.errorMs;
}
