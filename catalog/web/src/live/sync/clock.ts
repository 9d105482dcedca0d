/**
 * The server's clock as seen from here: offset and error bound from pings. Pure.
 *
 * Of the last pings the one with the shortest round trip counts; half of that round trip is the
 * bound, because the way there may take all of it or nothing. The twin of streaming/room/clock.py
 * (tests/golden/room/clock.json says the same to both). Times are milliseconds; ours may count from
 * anywhere, as performance.now() does.
 */

export const PINGS_KEPT = 8;
/** A round trip that long says nothing about the clock: the machine slept or the line was gone. */
export const LONGEST_ROUND_TRIP_MS = 10_000;

/** Sent at t0 (ours), received at t1 and answered at t2 (the server's), back at t3 (ours). */
export interface Ping {
  t0: number;
  t1: number;
  t2: number;
  t3: number;
}

interface Sample {
  offsetMs: number;
  roundTripMs: number;
}

export class ServerClock {
  private samples: Sample[] = [];
  private best: Sample | undefined;

  /** Take one answered ping; false when it cannot be true. */
  take({ t0, t1, t2, t3 }: Ping): boolean {
    const roundTripMs = t3 - t0 - (t2 - t1);
    const sane = t3 >= t0 && t2 >= t1 && roundTripMs >= 0 && roundTripMs < LONGEST_ROUND_TRIP_MS;
    if (!sane) return false;
    this.samples.push({ offsetMs: (t1 - t0 + (t2 - t3)) / 2, roundTripMs });
    if (this.samples.length > PINGS_KEPT) this.samples.shift();
    this.best = this.samples.reduce((a, b) => (b.roundTripMs < a.roundTripMs ? b : a));
    return true;
  }

  get known(): boolean {
    return this.best !== undefined;
  }

  /** What to add to our time to get the server's; 0 while nothing is known. */
  get offsetMs(): number {
    return this.best?.offsetMs ?? 0;
  }

  get errorMs(): number {
    return this.best ? this.best.roundTripMs / 2 : Infinity;
  }

  serverMs(oursMs: number): number {
    return oursMs + this.offsetMs;
  }

  /** Our clock may have stood still (a tablet slept): begin anew. */
  forget(): void {
    this.samples = [];
    this.best = undefined;
  }
}
