/** Lines that are slow, screens that are late, pictures that stand: what a player does about each. */
import { describe, expect, it } from "vitest";
import {
  BEAT_MS,
  BEGINS_MS,
  Dryness,
  ONE_STALL_MS,
  STARVED_MS,
  STUCK_BACK_MS,
  STUCK_MS,
} from "@/live/stream/dryness";
import { Controller } from "@/live/sync/controller";
import { DisplayLag, MOST_OFFSET_S, SAMPLES, USUAL_S } from "@/live/sync/displayLag";
import { LONGEST_S, OwnDelay, SLACK_S, TRUST_AFTER_S } from "@/live/sync/ownDelay";
import { PASSED_OVER_S, Reach, WINDOW_S } from "@/live/sync/reach";

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
    expect(dryness.stuck(BEGINS_MS + 1, STUCK_BACK_MS)).toBe(false);
    while (!dryness.stuck(BEGINS_MS + 1, STUCK_BACK_MS)) dryness.beat(true, true);
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
