import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ServerClock } from "@/live/sync/clock";
import {
  Controller,
  CORRECTED_WITHIN_S,
  DEAD_BAND_S,
  MOST_HELD_S,
  MOST_SPEED,
  SEEK_TAKES_S,
  type Moment,
} from "@/live/sync/controller";
import { DisplayLag, MOST_OFFSET_S, SAMPLES, USUAL_S } from "@/live/sync/displayLag";
import {
  BEAT_MS, BEGINS_MS, Dryness, ONE_STALL_MS, STARVED_MS, STUCK_MS,
} from "@/live/stream/dryness";
import { LONGEST_S, OwnDelay, SLACK_S, TRUST_AFTER_S } from "@/live/sync/ownDelay";
import { around, target, steered } from "@/live/sync/ranges";
import { PASSED_OVER_S, Reach, WINDOW_S } from "@/live/sync/reach";
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
    expect(run(101.6, 0.5, ANCHOR + 101.2)).toEqual({ do: "speed", rate: 1 + MOST_SPEED });
    controller.decide(behind(1.6, { standing: true, bufferedTo: 109 }));
    run(101, 0.1, ANCHOR + 101);
    expect(run(103, 0.5, ANCHOR + 101 + CORRECTED_WITHIN_S)).toEqual({ do: "speed", rate: 1.05 });
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

describe("the delay that could be held", () => {
  it("is the largest but one of the last seconds with a margin", () => {
    const reach = new Reach();
    for (let n = 0; n < 20; n += 1) reach.arrived(n, n - (n === 5 ? 0.9 : n === 7 ? 0.4 : 0.2));
    expect(reach.canS()).toBeCloseTo(0.28);
    expect(new Reach().canS()).toBeUndefined();
  });

  it("is usually what half of all fragments take, whatever broke off for some seconds", () => {
    const reach = new Reach();
    for (let n = 0; n < 300; n += 1) {
      const lateS = n > 180 && n < 280 ? 5 - (n - 180) / 20 : 0.1;
      reach.arrived(n / 30, n / 30 - lateS);
    }
    expect(reach.usualS()).toBeCloseTo(0.18);
    expect(reach.canS()).toBeGreaterThan(4);
  });

  it("passes over what was old when it was sent", () => {
    const reach = new Reach();
    for (const from of [100, 300]) {
      reach.restart();
      for (let n = 0; n < 100; n += 1) reach.arrived(from + 0.01 * n, from + 0.01 * n - 2);
      const before = reach.canS();
      expect(before === undefined || before < 0.2).toBe(true);
      const after = from + PASSED_OVER_S;
      for (let n = 0; n < 20; n += 1) reach.arrived(after + n / 30, after + n / 30 - 0.1);
      expect(reach.canS()).toBeCloseTo(0.18);
    }
  });

  it("forgets", () => {
    const reach = new Reach();
    for (let n = 0; n < 80; n += 1) reach.arrived(n / 30, n / 30 - 0.8);
    for (let n = 0; n < 20; n += 1) reach.arrived(WINDOW_S + 2 + n / 30, WINDOW_S + 2 + n / 30 - 0.1);
    expect(reach.canS()).toBeCloseTo(0.18);
  });
});

describe("when a frame is really seen", () => {
  const shown = (lag: DisplayLag, skewS: number) => {
    for (let n = 0; n < SAMPLES; n += 1) lag.frame(skewS - lag.offsetS);
  };

  it("moves the play head by what the screen is late, and then rests", () => {
    const lag = new DisplayLag();
    shown(lag, 0.03);
    expect(lag.offsetS).toBeCloseTo(0.03 - USUAL_S);
    shown(lag, 0.03);
    expect(lag.offsetS).toBeCloseTo(0.03 - USUAL_S);
    shown(lag, 0.005);
    expect(lag.offsetS).toBeCloseTo(0.005 - USUAL_S);
  });

  it("leaves alone what is within a refresh", () => {
    const lag = new DisplayLag();
    for (const skewS of [0, 0.008, 0.016]) shown(lag, skewS);
    expect(lag.offsetS).toBe(0);
  });

  it("is bounded, and nothing of before a move counts", () => {
    const lag = new DisplayLag();
    for (let n = 1; n < SAMPLES; n += 1) lag.frame(0.5);
    lag.unsettled();
    lag.frame(0.5);
    expect(lag.offsetS).toBe(0);
    shown(lag, 0.5);
    expect(lag.offsetS).toBe(MOST_OFFSET_S);
  });
});

describe("a late player whose media does not reach the common moment", () => {
  const late = { now: 100, delayS: 1, anchor: 0, at: 90, bufferedFrom: 80, bufferedTo: 90.3 };

  it("plays on instead of jumping to where it would run dry at once", () => {
    for (const standing of [false, true]) {
      expect(new Controller().decide({ ...late, standing }).do).toBe("speed");
    }
  });

  it("jumps where much is gained", () => {
    expect(new Controller().decide({ ...late, bufferedTo: 95, standing: false }).do).toBe("jump");
  });
});

describe("a picture that stands", () => {
  it("is a stall from the second beat on, told once", () => {
    const dryness = new Dryness();
    expect([true, true, true, false, true, true].map((dry) => dryness.beat(dry, true))).toEqual([
      false, true, false, false, false, true,
    ]);
  });

  it("is opened anew after a while, but not soon after it was opened", () => {
    const dryness = new Dryness();
    dryness.opened(0);
    for (let n = 0; n <= STUCK_MS / BEAT_MS; n += 1) dryness.beat(true, true);
    expect([BEGINS_MS, BEGINS_MS + 1].map((now) => dryness.stuck(now))).toEqual([false, true]);
    dryness.beat(true, false);
    expect(dryness.stuck(2 * BEGINS_MS)).toBe(false);
    dryness.opened(BEGINS_MS + 1);
    expect(dryness.stuck(3 * BEGINS_MS)).toBe(false);
  });

  it("asks for more time with each stall, and less with each minute without", () => {
    const dryness = new Dryness();
    dryness.opened(0);
    dryness.starve(BEGINS_MS);
    expect(dryness.needS(BEGINS_MS)).toBe(0);
    let now = BEGINS_MS;
    for (const needS of [1, 4, 6, 8, 8]) {
      now += ONE_STALL_MS;
      dryness.starve(now);
      dryness.starve(now + ONE_STALL_MS - 1);
      expect(dryness.needS(now)).toBe(needS);
    }
    const later = [1, 2, 3, 4, 5].map((minutes) => dryness.needS(now + minutes * STARVED_MS));
    expect(later).toEqual([6, 4, 1, 0, 0]);
  });
});

describe("the delay that a player keeps", () => {
  it("is the room's as long as the line allows", () => {
    const own = new OwnDelay();
    expect([undefined, 0.2, 0.4 + SLACK_S].map((canS) => own.keep(0, 0.4, canS))).toEqual([0.4, 0.4, 0.4]);
  });

  it("is its own at once where the line is slower, and for a while after", () => {
    const own = new OwnDelay();
    expect(own.keep(0, 0.4, 0.9)).toBe(0.9);
    expect(own.keep(10, 0.4, 0.7)).toBe(0.9);
    expect(own.keep(TRUST_AFTER_S, 0.4, 0.7)).toBe(0.7);
    expect(own.keep(TRUST_AFTER_S + 1, 0.4, 0.3)).toBe(0.4);
    expect(own.keep(TRUST_AFTER_S + 2, 0.4, 99)).toBe(LONGEST_S);
  });

  it("never is below the room's", () => {
    const own = new OwnDelay();
    expect(own.keep(0, 0.4, 0.9)).toBe(0.9);
    expect(own.keep(1, 1, 0.9)).toBe(1);
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
