import { describe, expect, it } from "vitest";
import { LONGEST_ROUND_TRIP_MS, PINGS_KEPT, ServerClock } from "@/live/sync/clock";
import { Controller, DEAD_BAND_S, MOST_SPEED, type Moment } from "@/live/sync/controller";
import { around, target } from "@/live/sync/ranges";
import { PASSED_OVER_S, Reach, WINDOW_S } from "@/live/sync/reach";
import { FIRST_S, MOST_S, waitS } from "@/live/stream/backoff";

const ANCHOR = 1_795_600_000;

function moment(change: Partial<Moment> = {}): Moment {
  const at = 100;
  const base = { anchor: ANCHOR, at, bufferedFrom: 95, bufferedTo: 100.4, standing: false };
  return { now: ANCHOR + at + 0.45, delayS: 0.45, ...base, ...change };
}

const behind = (seconds: number, change: Partial<Moment> = {}) =>
  moment({ now: ANCHOR + 100.45 + seconds, ...change });

describe("the server's clock", () => {
  it("takes offset and bound from the shortest round trip", () => {
    const clock = new ServerClock();
    expect([clock.known, clock.offsetMs, clock.errorMs]).toEqual([false, 0, Infinity]);
    expect(clock.take({ t0: 1000, t1: 5060, t2: 5061, t3: 1041 })).toBe(true);
    expect([clock.offsetMs, clock.errorMs]).toEqual([4040, 20]);
    clock.take({ t0: 2000, t1: 6042, t2: 6043, t3: 2005 });
    expect([clock.offsetMs, clock.errorMs, clock.serverMs(3000)]).toEqual([4040, 2, 7040]);
    clock.take({ t0: 3000, t1: 7300, t2: 7300, t3: 3500 });
    expect(clock.errorMs).toBe(2);
  });

  it("forgets the best one when eight newer ones are there", () => {
    const clock = new ServerClock();
    clock.take({ t0: 0, t1: 101, t2: 101, t3: 2 });
    for (let n = 1; n <= PINGS_KEPT; n += 1) {
      expect(clock.offsetMs).toBe(100);
      clock.take({ t0: n * 1000, t1: n * 1000 + 210, t2: n * 1000 + 210, t3: n * 1000 + 20 });
    }
    expect([clock.offsetMs, clock.errorMs]).toEqual([200, 10]);
    clock.forget();
    expect(clock.known).toBe(false);
  });

  it("believes no ping that cannot be", () => {
    const clock = new ServerClock();
    const late = LONGEST_ROUND_TRIP_MS + 1;
    expect(clock.take({ t0: 10, t1: 0, t2: 0, t3: 5 })).toBe(false);
    expect(clock.take({ t0: 0, t1: 9, t2: 5, t3: 10 })).toBe(false);
    expect(clock.take({ t0: 0, t1: 0, t2: 50, t3: 10 })).toBe(false);
    expect(clock.take({ t0: 0, t1: 0, t2: 0, t3: late })).toBe(false);
    expect(clock.take({ t0: 0, t1: Number.NaN, t2: 0, t3: 1 })).toBe(false);
    expect(clock.known).toBe(false);
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
    expect(decide(behind(3, { bufferedTo: 104 }))).toEqual({ do: "jump", to: expect.closeTo(103) });
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

  it("holds while what is to be shown is not due yet", () => {
    const early = { standing: true, at: 0, bufferedFrom: 100.3, bufferedTo: 100.4 };
    expect(decide(moment(early))).toEqual({ do: "jump", to: 100.3 });
    const placed = { standing: true, at: 100.3, bufferedFrom: 100.3, bufferedTo: 100.5 };
    expect(decide(moment({ ...placed }))).toEqual({ do: "hold" });
    expect(decide(moment({ ...placed, now: ANCHOR + 100.75 }))).toEqual({ do: "speed", rate: 1 });
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
});

describe("the delay that could be held", () => {
  it("is the largest but one of the last seconds with a margin", () => {
    const reach = new Reach();
    for (let n = 0; n < 20; n += 1) reach.arrived(n, n - (n === 5 ? 0.9 : n === 7 ? 0.4 : 0.2));
    expect(reach.canS()).toBeCloseTo(0.28);
    expect(new Reach().canS()).toBeUndefined();
  });

  it("passes over what was old when it was sent", () => {
    const reach = new Reach();
    reach.restart(0);
    for (let n = 0; n < 100; n += 1) reach.arrived(0.01 * n, 0.01 * n - 2);
    expect(reach.canS()).toBeUndefined();
    for (let n = 0; n < 20; n += 1) reach.arrived(PASSED_OVER_S + n / 30, PASSED_OVER_S + n / 30 - 0.1);
    expect(reach.canS()).toBeCloseTo(0.18);
  });

  it("forgets", () => {
    const reach = new Reach();
    for (let n = 0; n < 20; n += 1) reach.arrived(n / 30, n / 30 - 0.8);
    for (let n = 0; n < 20; n += 1) reach.arrived(WINDOW_S + 2 + n / 30, WINDOW_S + 2 + n / 30 - 0.1);
    expect(reach.canS()).toBeCloseTo(0.18);
  });
});

describe("coming back", () => {
  it("tries at once, then after longer and longer times that differ from player to player", () => {
    expect([0, 1, 2, 4, 40].map((tries) => waitS(tries, 1))).toEqual([0, FIRST_S, 0.5, 2, MOST_S]);
    expect(waitS(3, 0)).toBe(0.5);
  });
});
