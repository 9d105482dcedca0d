/**
 * Eight rooms behind different lines, each with the real controller and reach, and the room's rule for
 * the common delay in small: the largest that somebody needs, in steps, at least 0.4 s.
 */
import { describe, expect, it } from "vitest";
import { Controller } from "@/live/sync/controller";
import { OwnDelay } from "@/live/sync/ownDelay";
import { Reach } from "@/live/sync/reach";

const STEP_S = 0.01;
const BEAT_S = 0.1;
const FRAME_S = 1 / 30;
const ANCHOR = 0;

/** Numbers that look like chance and are the same each time. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

interface Line {
  /** Seconds: least, and what comes on top at most; how often a packet is lost and how long that takes. */
  least: number;
  jitter: number;
  loss: number;
  again: number;
  /** How far the room's clock is off. */
  clock: number;
}

const LINES: readonly Line[] = [
  { least: 0.04, jitter: 0.01, loss: 0, again: 0, clock: 0 },
  { least: 0.05, jitter: 0.02, loss: 0, again: 0, clock: 0.002 },
  { least: 0.07, jitter: 0.06, loss: 0, again: 0, clock: -0.002 },
  { least: 0.09, jitter: 0.04, loss: 0.01, again: 0.12, clock: 0.003 },
  { least: 0.12, jitter: 0.08, loss: 0.01, again: 0.2, clock: -0.003 },
  { least: 0.15, jitter: 0.05, loss: 0.02, again: 0.15, clock: 0.001 },
  { least: 0.18, jitter: 0.1, loss: 0.005, again: 0.2, clock: -0.001 },
  { least: 0.2, jitter: 0.12, loss: 0.02, again: 0.2, clock: 0.004 },
];

class Room {
  private readonly controller = new Controller();
  private readonly own = new OwnDelay();
  private readonly reach = new Reach();
  private readonly random: () => number;
  private arrivals: { at: number; end: number }[] = [];
  private lastArrival = 0;
  private bufferedTo = 0;
  private rate = 1;
  private held = false;
  at = 0;
  cutUntil = 0;

  constructor(
    private readonly line: Line,
    seed: number,
  ) {
    this.random = chance(seed);
  }

  get canS(): number | undefined {
    return this.reach.canS();
  }

  /** A frame was captured; TCP gives it in order. */
  send(capture: number): void {
    const { least, jitter, loss, again } = this.line;
    const late = least + jitter * this.random() + (this.random() < loss ? again : 0);
    this.lastArrival = Math.max(this.lastArrival, capture + FRAME_S + late, this.cutUntil);
    this.arrivals.push({ at: this.lastArrival, end: capture + FRAME_S });
  }

  play(now: number): void {
    for (let next = this.arrivals[0]; next && next.at <= now; next = this.arrivals[0]) {
      this.arrivals.shift();
      this.bufferedTo = next.end;
      this.reach.arrived(now, next.end - FRAME_S);
    }
    if (!this.held) this.at = Math.min(this.at + this.rate * STEP_S, this.bufferedTo);
  }

  steer(now: number, commonS: number): void {
    const theirs = now + this.line.clock;
    const made = this.controller.decide({
      now: theirs, delayS: this.own.keep(theirs, commonS, this.reach.usualS()), anchor: ANCHOR,
      at: this.at, bufferedFrom: 0, bufferedTo: this.bufferedTo,
      standing: this.held || this.bufferedTo - this.at < STEP_S,
    });
    this.held = made.do === "hold";
    if (made.do === "jump") this.at = made.to;
    if (made.do === "speed") this.rate = made.rate;
  }
}

function run(seconds: number, cut?: { room: number; from: number; to: number }): number[][] {
  const rooms = LINES.map((line, number) => new Room(line, number + 1));
  const shown: number[][] = [];
  let commonS = 0.4;
  let captured = 0;
  for (let step = 1; step * STEP_S < seconds; step += 1) {
    const now = step * STEP_S;
    if (cut && now >= cut.from) rooms[cut.room]!.cutUntil = cut.to;
    for (; captured * FRAME_S < now; captured += 1) rooms.forEach((room) => room.send(captured * FRAME_S));
    rooms.forEach((room) => room.play(now));
    if (step % Math.round(BEAT_S / STEP_S)) continue;
    const needs = rooms.map((room) => room.canS ?? 0).filter((canS) => canS <= 1);
    commonS = Math.max(commonS, ...needs.map((canS) => Math.ceil(canS / 0.05) * 0.05));
    rooms.forEach((room) => room.steer(now, commonS));
    shown.push(rooms.map((room) => Math.floor(room.at / FRAME_S)));
  }
  return shown;
}

describe("eight rooms behind different lines", () => {
  const apart = (frames: readonly number[]) => Math.max(...frames) - Math.min(...frames);

  it("show the same frame, or the next one", () => {
    const skews = run(90).slice(300).map(apart).sort((a, b) => a - b);
    expect(skews[Math.floor(0.95 * skews.length)]).toBeLessThanOrEqual(1);
    expect(skews.at(-1)).toBeLessThanOrEqual(3);
  });

  it("are in step again within 3 s after one was cut off for 5 s, and the others never were out of it", () => {
    const shown = run(60, { room: 3, from: 40, to: 45 });
    const after = shown.slice(480);
    expect(Math.max(...after.map(apart))).toBeLessThanOrEqual(2);
    const others = shown.slice(300).map((frames) => apart(frames.filter((_, room) => room !== 3)));
    expect(Math.max(...others)).toBeLessThanOrEqual(3);
  });
});
