import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ServerClock } from "@/live/sync/clock";
import {
  Controller,
  CORRECTED_WITHIN_S,
  DEAD_BAND_S,
  MOST_HELD_S,
  MOST_HURRY,
  MOST_SPEED,
  SEEK_TAKES_S,
  type Moment,
} from "@/live/sync/controller";
import { around, steered, target } from "@/live/sync/ranges";
import { Figures } from "@/live/sync/figures";
import { DOWN_AFTER_S, Rungs, UP_AFTER_S } from "@/live/sync/rungs";
import { FIRST_S, MOST_S, waitS } from "@/live/stream/backoff";

const ANCHOR = 1_795_600_000;

function moment(change: Partial<Moment> = {}): Moment {
  const at = 100;
  const base = { anchor: ANCHOR, at, bufferedFrom: 95, bufferedTo: 100.4, standing: false };
  return { now: ANCHOR + at + 0.45, delayS: 0.45, ...base, ...change };
}

const behind = (seconds: number, change: Partial<Moment> = {}) =>
  moment({ now: ANCHOR + 100.45 + seconds, ...change });

interface Vector {
  name: string;
  pings: [number, number, number, number][];
  best: { offset_ms: number; error_ms: number } | null;
}

const vectors = JSON.parse(
  readFileSync("../../tests/golden/room/clock.json", "utf8"),
) as Vector[];

describe("the server's clock", () => {
  function after(pings: Vector["pings"]): ServerClock {
    const clock = new ServerClock();
    for (const [t0, t1, t2, t3] of pings) clock.take({ t0, t1, t2, t3 });
    return clock;
  }

  it.each(vectors)("is that of the room: $name", ({ pings, best }) => {
    const found = after(pings).best;
    expect(found && { offset_ms: found.offsetMs, error_ms: found.errorMs }).toEqual(
      best ?? undefined,
    );
  });

  it("gives the server's time, our own while nothing is known", () => {
    expect([after([]).known, after([]).serverMs(3000)]).toEqual([false, 3000]);
    const clock = after([[1000, 5060, 5061, 1041]]);
    expect([clock.known, clock.serverMs(3000)]).toEqual([true, 7040]);
  });

  it("believes no ping that is no number", () => {
    const never = after([[0, Number.NaN, 0, 1], [Number.NaN, 0, 0, 0], [0, 0, 0, Infinity]]);
    expect(never.known).toBe(false);
  });
});

describe("steering", () => {
  const decide = (change: Moment) => new Controller().decide(change);

  it("leaves a player alone that is within the dead band", () => {
    expect(decide(behind(0))).toEqual({ do: "speed", rate: 1 });
    expect(decide(behind(DEAD_BAND_S - 0.001))).toEqual({ do: "speed", rate: 1 });
    expect(decide(behind(-DEAD_BAND_S + 0.001))).toEqual({ do: "speed", rate: 1 });
  });

  it("hurries and slows in proportion, by five per cent at most", () => {
    expect(decide(behind(0.05))).toEqual({ do: "speed", rate: 1.025 });
    expect(decide(behind(-0.05))).toEqual({ do: "speed", rate: 0.975 });
    expect(decide(behind(0.9))).toEqual({ do: "speed", rate: 1 + MOST_SPEED });
    expect(decide(behind(-0.9))).toEqual({ do: "speed", rate: 1 - MOST_SPEED });
  });

  it("once begun goes on inside the dead band until it has settled", () => {
    const controller = new Controller();
    const rates = [0.02, 0.008, 0.005, 0.003, 0.008].map((off) => controller.decide(behind(off)));
    expect(rates.map((one) => one.do === "speed" && one.rate)).toEqual([1.01, 1.005, 1.0025, 1, 1]);
  });

  it("does not hurry into an empty buffer", () => {
    expect(decide(behind(0.3, { bufferedTo: 100.05 }))).toEqual({ do: "speed", rate: 1 });
    expect(decide(behind(-0.3, { bufferedTo: 100.05 }))).toEqual({ do: "speed", rate: 0.95 });
  });

  it("jumps when it is more than a second off, never beyond the buffer", () => {
    const led = { do: "jump", to: expect.closeTo(103 + SEEK_TAKES_S) };
    expect(decide(behind(3, { bufferedTo: 104 }))).toEqual(led);
    const far = decide(behind(3, { bufferedTo: 101.06 }));
    expect(far).toEqual({ do: "jump", to: expect.closeTo(101) });
    expect(decide(behind(3, { bufferedTo: 100.05 }))).toEqual({ do: "speed", rate: 1 });
    expect(decide(behind(-3))).toEqual({ do: "jump", to: 97 });
    expect(decide(behind(-9))).toEqual({ do: "jump", to: 95 });
  });

  it("places a standing player where everyone is, however near", () => {
    const late = behind(0.2, { standing: true });
    expect(decide(late)).toEqual({ do: "jump", to: expect.closeTo(100.2) });
    expect(decide(behind(0.02, { standing: true }))).toEqual({ do: "speed", rate: 1 });
  });

  it("is placed once and then begins, however long the seek took", () => {
    const controller = new Controller();
    const late = (seconds: number, at: number) =>
      moment({ now: ANCHOR + at + 0.45 + seconds, at, bufferedTo: at + 9, standing: true });
    expect(controller.decide(late(0.5, 100))).toMatchObject({ do: "jump" });
    expect(controller.decide(late(0.4, 100.5))).toEqual({ do: "speed", rate: 1 });
    expect(controller.decide(late(1.4, 100.5))).toMatchObject({ do: "jump" });
    expect(controller.decide({ ...late(0.1, 101.9), standing: false })).toMatchObject({ do: "speed" });
    expect(controller.decide(late(0.3, 102))).toMatchObject({ do: "jump" });
  });

  it("is corrected once when it has just begun too late", () => {
    const controller = new Controller();
    const run = (at: number, seconds: number, now: number) =>
      controller.decide({ ...moment(), at, now, delayS: now - ANCHOR - at - seconds, bufferedTo: at + 2 });
    controller.decide(behind(0.6, { standing: true, bufferedTo: 103 }));
    expect(run(101, 0.5, ANCHOR + 101)).toEqual({ do: "jump", to: expect.closeTo(101.5 + SEEK_TAKES_S) });
    expect(run(101.6, 0.5, ANCHOR + 101.2)).toEqual({ do: "speed", rate: 1 + MOST_HURRY });
    controller.decide(behind(1.6, { standing: true, bufferedTo: 109 }));
    run(101, 0.1, ANCHOR + 101);
    expect(run(103, 0.5, ANCHOR + 101 + CORRECTED_WITHIN_S)).toEqual({ do: "speed", rate: 1.05 });
  });

  it("hurries more while nobody has listened yet, and only forward", () => {
    const controller = new Controller();
    controller.decide(behind(2, { standing: true, bufferedTo: 104 }));
    const rate = (made: Moment) => {
      const found = controller.decide(made);
      return found.do === "speed" ? found.rate : undefined;
    };
    expect(rate(behind(0.1))).toBeCloseTo(1 + MOST_HURRY);
    expect(rate(behind(0.03))).toBeCloseTo(1.06);
    expect(rate(behind(-0.03))).toBeCloseTo(0.985);
    const at = 100 + CORRECTED_WITHIN_S;
    const later = moment({ now: ANCHOR + at + 0.55, at, bufferedTo: at + 0.4 });
    expect(rate(later)).toBeCloseTo(1 + MOST_SPEED);
  });

  it("waits when it has just begun too early, and goes on in time", () => {
    const controller = new Controller();
    const early = (seconds: number, standing: boolean) => behind(-seconds, { bufferedFrom: 99.9, standing });
    controller.decide(behind(3, { bufferedTo: 103.5 }));
    expect(controller.decide(early(0.3, false))).toEqual({ do: "hold" });
    expect(controller.decide(early(0.2, true))).toEqual({ do: "hold" });
    expect(controller.decide(early(0.03, true))).toEqual({ do: "speed", rate: 1 });
    expect(controller.decide(early(0.03, false))).toEqual({ do: "speed", rate: 0.985 });
  });

  it("is not thrown back when it has run dry", () => {
    const dry = { bufferedTo: 100, standing: true };
    expect(decide(behind(0.4, dry))).toEqual({ do: "speed", rate: 1 });
    expect(decide(behind(4, { bufferedTo: 100 }))).toEqual({ do: "speed", rate: 1 });
  });

  it("holds while what is to be shown is not due yet", () => {
    const early = { standing: true, at: 0, bufferedFrom: 100.3, bufferedTo: 100.4 };
    expect(decide(moment(early))).toEqual({ do: "jump", to: 100.3 });
    const placed = { standing: true, at: 100.3, bufferedFrom: 100.3, bufferedTo: 100.5 };
    expect(decide(moment({ ...placed }))).toEqual({ do: "hold" });
    expect(decide(moment({ ...placed, now: ANCHOR + 100.75 }))).toEqual({ do: "speed", rate: 1 });
  });

  it("plays rather than waits for a clock that is far off", () => {
    const placed = { standing: true, at: 100.3, bufferedFrom: 100.3, bufferedTo: 100.5 };
    const early = (seconds: number) => moment({ ...placed, now: ANCHOR + 100.75 - seconds });
    expect(decide(early(MOST_HELD_S - 1))).toEqual({ do: "hold" });
    expect(decide(early(MOST_HELD_S + 1))).toEqual({ do: "speed", rate: 1 });
  });

  it("brings two players that joined apart to the same moment", () => {
    const shown = [99.4, 100.2].map((start) => {
      const controller = new Controller();
      let at = start;
      for (let tick = 0; tick < 400; tick += 1) {
        const now = ANCHOR + 100.45 + tick / 10;
        const made = controller.decide(moment({ now, at, bufferedTo: 1e6 }));
        if (made.do === "jump") at = made.to;
        at += made.do === "speed" ? made.rate / 10 : 0;
      }
      return at - 140;
    });
    for (const off of shown) expect(Math.abs(off)).toBeLessThan(DEAD_BAND_S);
  });
});

describe("what is buffered", () => {
  const ranges = [
    { start: 10, end: 12 },
    { start: 14, end: 18 },
  ];

  it("is the stretch around the play head", () => {
    expect(around(ranges, 12.02)).toEqual(ranges[0]);
    expect(around(ranges, 13)).toBeUndefined();
  });

  it("is gone on in where the moment is, after a gap, or at the newest", () => {
    expect(target(ranges, 11)).toEqual(ranges[0]);
    expect(target(ranges, 12.5)).toEqual(ranges[1]);
    expect(target(ranges, 99)).toEqual(ranges[1]);
    expect(target([], 1)).toBeUndefined();
  });

  it("is left for the one behind a gap by a player that jumps anyway", () => {
    const [before, behind] = ranges;
    expect(steered(ranges, 11.8, 13.5, false)).toEqual(behind);
    expect(steered(ranges, 11.8, 12.7, false)).toEqual(before);
    expect(steered(ranges, 11.8, 11.9, true)).toEqual(before);
    expect(steered(ranges, 11.8, 13.5, true)).toEqual(behind);
    expect(steered(ranges, 17, 15, false)).toEqual(behind);
    expect(steered(ranges, 13, 15, false)).toBeUndefined();
  });
});

describe("coming back", () => {
  it("tries at once, then after longer and longer times that differ from player to player", () => {
    expect([0, 1, 2, 4, 40].map((tries) => waitS(tries, 1))).toEqual([0, FIRST_S, 0.5, 2, MOST_S]);
    expect(waitS(3, 0)).toBe(0.5);
    expect(waitS(40, 1, 3)).toBe(3);
  });
});

describe("leaving a rung", () => {
  const run = (canS: number, seconds: number, lowest = false) => {
    const rungs = new Rungs();
    return Array.from({ length: seconds + 1 }, (_, now) => rungs.decide(now, canS, 0.45, lowest));
  };

  it("happens when the common delay was not held for a while, unless it is the lowest", () => {
    expect(run(0.6, DOWN_AFTER_S).filter(Boolean)).toEqual(["down"]);
    expect(run(0.6, DOWN_AFTER_S - 1).filter(Boolean)).toEqual([]);
    expect(run(0.6, 60, true).filter(Boolean)).toEqual([]);
    expect(run(0.6, 2 * DOWN_AFTER_S).filter(Boolean)).toEqual(["down", "down"]);
  });

  it("is undone after a long while with time to spare", () => {
    expect(run(0.3, UP_AFTER_S).filter(Boolean)).toEqual(["up"]);
    expect(run(0.4, 10 * UP_AFTER_S).filter(Boolean)).toEqual([]);
  });

  it("begins to count anew after one good second", () => {
    const rungs = new Rungs();
    const cans = [0.6, 0.6, 0.6, 0.4, 0.6, 0.6, 0.6];
    expect(cans.map((canS, now) => rungs.decide(now, canS, 0.45, false))).not.toContain("down");
    expect(rungs.decide(0, undefined, 0.45, false)).toBeUndefined();
  });
});

describe("what is reported", () => {
  it("is the median of the frames since the last report, and all stalls", () => {
    const figures = new Figures();
    const skews = [0.02, 0.03, 0.9];
    skews.forEach((skewS, n) => figures.frame({ captured: n / 30, shown: n / 30 + 0.45, skewS }));
    const found = figures.take();
    expect(found?.delayS).toBeCloseTo(0.45);
    expect(found?.skewS).toBe(0.03);
    expect(figures.take()).toBeUndefined();
  });

  it("counts gaps as stalls but not those that were wanted", () => {
    const figures = new Figures();
    const show = (shown: number) => figures.frame({ captured: 0, shown, skewS: 0 });
    [1, 1.03, 1.4, 1.43].forEach(show);
    expect(figures.stalls).toBe(1);
    figures.interrupted();
    show(9);
    expect(figures.stalls).toBe(1);
    figures.ranDry();
    figures.ranDry();
    show(14);
    expect(figures.stalls).toBe(2);
  });
});
