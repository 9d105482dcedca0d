import { describe, expect, it } from "vitest";
import {
  Cadence,
  KEYFRAME_EVERY_MS,
  LEAST_BPS,
  MOST_BACKED_UP_S,
  MOST_IN_ENCODER,
} from "@/live/publish/cadence";
import {
  framed,
  HEADER_BYTES,
  MOST_PICTURE_BYTES,
  MOST_SOUND_BYTES,
  PASSING,
  readAnswer,
} from "@/live/publish/framing";
import { corner, even, fitted, loudness } from "@/live/publish/layout";
import { JUMP_US, SoundClock, Timebase } from "@/live/publish/timebase";

describe("a frame on the wire", () => {
  it("is its kind, its time in eight bytes, and room for the rest", () => {
    const whole = framed("key", 2 ** 33 + 5.4, 3);
    expect([...(whole ?? [])]).toEqual([1, 0, 0, 0, 2, 0, 0, 0, 5, 0, 0, 0]);
    expect(whole?.length).toBe(HEADER_BYTES + 3);
    expect([framed("delta", 0, 0)?.[0], framed("sound", 0, 0)?.[0]]).toEqual([2, 3]);
    expect(framed("sound", -5, 0)?.slice(1)).toEqual(new Uint8Array(8));
  });

  it("is not made where the server would refuse it", () => {
    expect(framed("key", 0, MOST_PICTURE_BYTES + 1)).toBeUndefined();
    expect(framed("sound", 0, MOST_SOUND_BYTES + 1)).toBeUndefined();
  });
});

describe("the server's answers", () => {
  it("are read", () => {
    expect(readAnswer('{"type":"accepted","now":1}')).toEqual({ type: "accepted" });
    expect(readAnswer('{"type":"refused","why":"busy"}')).toEqual({ type: "refused", why: "busy" });
    expect(readAnswer('{"type":"refused","why":"moon"}')).toEqual({ type: "refused", why: "hello" });
    expect(readAnswer('{"type":"refused","why":"away"}')).toEqual({ type: "refused", why: "away" });
    expect(readAnswer('{"type":"ended","why":"over"}')).toEqual({ type: "ended", why: "over" });
    expect(readAnswer('{"type":"stats","video_bps":5,"fps":"x","speed":null}')).toEqual({
      type: "stats", videoBps: 5, audioBps: 0, fps: 0, dropped: 0, speed: null,
    });
  });

  it("is tried again by itself where the reason passes", () => {
    const all = ["key", "busy", "capacity", "hello", "tries", "ended", "away", "encoder"];
    expect(all.filter((why) => PASSING.has(why))).toEqual(["busy", "away"]);
  });

  it.each(["", "5", "null", "{}", '{"type":7}'])("pass over %s", (text) => {
    expect(readAnswer(text)).toEqual({ type: "other" });
  });
});

describe("the cadence of pictures", () => {
  const BPS = 2_000_000;

  it("puts a keyframe first and every two seconds", () => {
    const cadence = new Cadence(BPS, 30);
    const kinds = Array.from({ length: 130 }, (_, n) => cadence.picture((n * 1000) / 30, 0, 0));
    const keys = kinds.flatMap((kind, at) => (kind === "key" ? [at] : []));
    expect(keys).toEqual([0, (KEYFRAME_EVERY_MS * 30) / 1000, (2 * KEYFRAME_EVERY_MS * 30) / 1000]);
  });

  it("puts one when the server asks, and leaves pictures out that come too fast", () => {
    const cadence = new Cadence(BPS, 30);
    expect(cadence.picture(0, 0, 0)).toBe("key");
    expect(cadence.picture(8, 0, 0)).toBe("skip");
    cadence.wantKeyframe();
    expect(cadence.picture(16, 0, 0)).toBe("key");
  });

  it("leaves out what a busy encoder would make late", () => {
    const cadence = new Cadence(BPS, 30);
    cadence.picture(0, 0, 0);
    expect(cadence.picture(40, MOST_IN_ENCODER + 1, 0)).toBe("skip");
    expect(cadence.picture(80, MOST_IN_ENCODER, 0)).toBe("delta");
  });

  it("waits for a line that backs up, then begins with a keyframe", () => {
    const cadence = new Cadence(BPS, 30);
    cadence.picture(0, 0, 0);
    const full = (BPS / 8) * MOST_BACKED_UP_S + 1;
    expect(cadence.picture(40, 0, full)).toBe("skip");
    expect(cadence.picture(80, 0, full / 2)).toBe("skip");
    expect(cadence.picture(120, 0, full / 8)).toBe("key");
  });

  it("lowers the rate at once and raises it slowly, within bounds", () => {
    const cadence = new Cadence(BPS, 30);
    expect(cadence.adapt(0, 0)).toBe(false);
    expect(cadence.adapt(1000, BPS)).toBe(true);
    expect(cadence.rateBps).toBe(1_400_000);
    for (let n = 2; n < 30; n += 1) cadence.adapt(n * 1000, BPS);
    expect(cadence.rateBps).toBe(LEAST_BPS);
    for (let n = 30; n < 36; n += 1) expect(cadence.adapt(n * 1000, 0)).toBe(false);
    for (let n = 36; n < 400; n += 1) cadence.adapt(n * 1000, 0);
    expect(cadence.rateBps).toBe(BPS);
  });
});

describe("one zero for picture and sound", () => {
  it("takes away what made a frame wait", () => {
    const base = new Timebase();
    const waits = [30_000, 2_000, 90_000, 0, 15_000, 40_000];
    const placed = waits.map((wait, n) => base.place(n * 33_333, 5e9 + n * 33_333 + wait));
    expect(placed.slice(3).map((at, n) => Math.abs(at - (5e9 + (n + 3) * 33_333)) < 50)).toEqual([
      true, true, true,
    ]);
  });

  it("never runs back", () => {
    const base = new Timebase();
    const placed = [base.place(1000, 90_000), base.place(2000, 3000), base.place(3000, 4000)];
    expect(placed).toEqual([90_000, 90_001, 90_002]);
  });

  it("follows a clock that drifts, and begins anew after a jump", () => {
    const base = new Timebase();
    let placed = 0;
    for (let n = 0; n < 30_000; n += 1) placed = base.place(n * 33_333, n * 33_333 * 1.0001);
    expect(Math.abs(placed - 29_999 * 33_333 * 1.0001)).toBeLessThan(1000);
    const later = base.place(5, placed + 10 * JUMP_US);
    expect(later).toBe(Math.round(placed + 10 * JUMP_US));
  });
});

describe("times of encoded sound", () => {
  it("are those of the input that the samples came in", () => {
    const clock = new SoundClock();
    expect(clock.output(0)).toBe(0);
    expect(clock.input(5_000_000, 10_000)).toBe(0);
    expect(clock.input(5_010_000, 10_000)).toBe(10_000);
    expect(clock.input(5_520_000, 10_000)).toBe(20_000);
    expect([0, 15_000, 19_999, 26_000].map((said) => clock.output(said))).toEqual([
      5_000_000, 5_015_000, 5_520_000 - 1, 5_526_000,
    ]);
  });

  it("follow a microphone whose clock is slow over a whole lesson", () => {
    const clock = new SoundClock();
    for (let n = 0; n < 270_000; n += 1) clock.input(n * 10_001, 10_000);
    const said = 269_990 * 10_000;
    expect(clock.output(said)).toBe(269_990 * 10_001);
  });
});

describe("the layout", () => {
  const frame = { width: 1280, height: 720 };

  it("shows the whole screen and the camera in its corner", () => {
    expect(fitted({ width: 1024, height: 768 }, frame)).toEqual({ x: 160, y: 0, width: 960, height: 720 });
    expect(fitted({ width: 0, height: 0 }, frame)).toEqual({ x: 0, y: 0, ...frame });
    expect(corner({ width: 640, height: 360 }, frame)).toEqual({ x: 947, y: 521, width: 307, height: 173 });
    expect(even({ width: 641, height: 1 })).toEqual({ width: 640, height: 2 });
  });

  it("measures sound as people hear it", () => {
    expect(loudness(new Float32Array(512))).toBe(0);
    expect(loudness(new Float32Array(512).fill(1))).toBe(1);
    expect(loudness(new Float32Array(512).fill(0.1))).toBeCloseTo(2 / 3);
    expect(loudness(new Float32Array(0))).toBe(0);
  });
});
