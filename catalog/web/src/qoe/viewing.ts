/**
 * What happens in one viewing: how long it took to join, how long it played, stood, at what rate.
 * Pure; times in milliseconds of one clock.
 */

/** A stop that nobody sees is none. */
export const SHORTEST_STALL_MS = 100;
/** Nobody looks at a screen for so long without a sign of life: the device slept. */
export const LONGEST_SPAN_MS = 90_000;

export interface Figures {
  /** Once, with the first picture. */
  joinMs: number | undefined;
  playMs: number;
  rebufferMs: number;
  rebuffers: number;
  /** Mean while it played; undefined when that is unknown. */
  kbps: number | undefined;
  rungChanges: number;
}

/** joining → playing ⇄ stalled; still: paused, sought, ended, or the main classroom is away. */
type State = "joining" | "playing" | "stalled" | "still";

export class Viewing {
  private state: State = "joining";
  private since: number;
  private wishedAt: number | undefined;
  private joinMs: number | undefined;
  private playMs = 0;
  private ratedMs = 0;
  private bits = 0;
  private rebufferMs = 0;
  private rebuffers = 0;
  private rungChanges = 0;
  /** Of the stall at hand, before it is long enough to be told. */
  private heldMs = 0;
  private stallTold = false;
  private name = "";
  private bps = 0;

  constructor(private readonly openedAt: number) {
    this.since = openedAt;
  }

  /** Somebody wants to see it: who had to press a button first did not wait before. */
  wished(now: number): void {
    if (this.state === "joining") this.wishedAt ??= now;
  }

  playing(now: number): void {
    if (this.state === "joining") this.joinMs = now - (this.wishedAt ?? this.openedAt);
    this.go("playing", now);
  }

  stalled(now: number): void {
    if (this.state === "playing") this.go("stalled", now);
  }

  still(now: number): void {
    if (this.state !== "joining") this.go("still", now);
  }

  /** It stands, and not for want of a line: a stall at hand is none. */
  excused(now: number): void {
    if (this.state === "stalled") this.since = now;
    this.still(now);
  }

  /** There is something to see again: who waited for the lesson to begin joins from now on. */
  resumed(now: number): void {
    if (this.state === "joining") this.wishedAt = now;
  }

  rung(now: number, name: string, bps: number): void {
    this.settle(now);
    if (name !== this.name && this.name !== "" && this.state !== "joining") this.rungChanges += 1;
    this.name = name;
    this.bps = bps;
  }

  /** What happened since this was asked last. */
  take(now: number): Figures {
    this.settle(now);
    const figures: Figures = {
      joinMs: this.joinMs,
      playMs: this.playMs,
      rebufferMs: this.rebufferMs,
      rebuffers: this.rebuffers,
      kbps: this.ratedMs > 0 ? this.bits / this.ratedMs : undefined,
      rungChanges: this.rungChanges,
    };
    this.joinMs = undefined;
    this.playMs = this.ratedMs = this.bits = 0;
    this.rebufferMs = this.rebuffers = this.rungChanges = 0;
    return figures;
  }

  private go(state: State, now: number): void {
    this.settle(now);
    if (state !== this.state) {
      this.heldMs = 0;
      this.stallTold = false;
    }
    this.state = state;
  }

  private settle(now: number): void {
    const spent = now - this.since;
    this.since = now;
    if (spent > LONGEST_SPAN_MS) return;
    if (this.state === "playing") this.played(spent);
    if (this.state === "stalled") this.stood(spent);
  }

  private played(spent: number): void {
    this.playMs += spent;
    if (this.bps <= 0) return;
    this.ratedMs += spent;
    this.bits += (spent * this.bps) / 1000;
  }

  private stood(spent: number): void {
    this.heldMs += spent;
    if (this.heldMs < SHORTEST_STALL_MS && !this.stallTold) return;
    if (!this.stallTold) this.rebuffers += 1;
    this.stallTold = true;
    this.rebufferMs += this.heldMs;
    this.heldMs = 0;
  }
}
