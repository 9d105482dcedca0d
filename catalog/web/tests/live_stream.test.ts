import type {
  HlsConfig,
  LoaderCallbacks,
  LoaderConfiguration,
  PlaylistLoaderContext,
} from "hls.js";
import { describe, expect, it } from "vitest";
import { Appender, KEPT_BEHIND_S, MOST_WAITING_BYTES, type Sink } from "@/live/stream/appender";
import { AUTO, choicesOf, heldOf, NO_OFFER, sameOffer } from "@/live/stream/choices";
import { startOf } from "@/live/stream/fragment";
import { HELD_MS, patient } from "@/live/stream/patientLoader";
import {
  behindHole, behindHoles, PADDING_S, PATIENCE_S, soughtIn, Standstill,
} from "@/live/stream/standstill";
import {
  BadMessage,
  MOST_BINARY_BYTES,
  MOST_RENDITIONS,
  MOST_TEXT_CHARS,
  readMedia,
  readText,
} from "@/live/stream/messages";

const PICTURE = { id: 1, name: "720p", media: "video", codecs: "avc1.64001f", timescale: 15360 };
const SOUND = { id: 3, name: "aac", media: "audio", codecs: "mp4a.40.2", timescale: 48000 };
const HELLO = {
  type: "hello",
  session: "s",
  feed: "main",
  now: 1795600000.123,
  anchor: 1795599000,
  renditions: [{ ...PICTURE, width: 1280, height: 720, bandwidth: 1_900_000 }, SOUND],
  video: 1,
  audio: 3,
};

const hello = (change: Record<string, unknown>) => readText(JSON.stringify({ ...HELLO, ...change }));

function binary(head: number[], body = 16): ArrayBuffer {
  const bytes = new Uint8Array(head.length + body);
  bytes.set(head);
  return bytes.buffer;
}

describe("what the origin says", () => {
  it("begins with the renditions, the clock and what will be sent", () => {
    const found = readText(JSON.stringify(HELLO));
    expect(found).toMatchObject({ type: "hello", anchor: 1795599000, video: 1, audio: 3 });
    expect(found.type === "hello" && found.renditions[1]).toEqual({
      ...SOUND, width: 0, height: 0, bandwidth: 0,
    });
  });

  it("goes on with small news; what is new to us is passed over", () => {
    expect(readText('{"type":"anchor","anchor":5.5}')).toEqual({ type: "anchor", anchor: 5.5 });
    expect(readText('{"type":"rung","video":2,"why":"slow"}')).toEqual({
      type: "rung", video: 2, why: "slow",
    });
    expect(readText('{"type":"state","state":"reconnecting"}')).toEqual({
      type: "state", state: "reconnecting",
    });
    expect(readText('{"type":"skipped","frames":12}')).toEqual({ type: "skipped", frames: 12 });
    expect(readText('{"type":"fireworks"}')).toEqual({ type: "other" });
  });

  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["too long a text", `"${"x".repeat(MOST_TEXT_CHARS)}"`],
    ["a state nobody knows", '{"type":"state","state":"asleep"}'],
    ["an anchor that is no number", '{"type":"anchor","anchor":"1"}'],
    ["a rung that is no id", '{"type":"rung","video":300}'],
  ])("refuses %s", (_, text) => {
    expect(() => readText(text)).toThrow(BadMessage);
  });

  it.each([
    ["no renditions", { renditions: undefined }],
    ["too many", { renditions: Array(MOST_RENDITIONS + 1).fill(PICTURE) }],
    ["one id twice", { renditions: [PICTURE, PICTURE] }],
    ["codecs that break out of a MIME type", { renditions: [{ ...PICTURE, codecs: 'a";x="' }] }],
    ["a name with a path", { renditions: [{ ...PICTURE, name: "../x" }] }],
    ["a timescale of nothing", { renditions: [{ ...PICTURE, timescale: 0 }] }],
    ["another medium", { renditions: [{ ...PICTURE, media: "smell" }] }],
    ["an infinite clock", { now: null }],
  ])("refuses a hello with %s", (_, change) => {
    expect(() => hello(change)).toThrow(BadMessage);
  });

  it("carries media behind four bytes", () => {
    const found = readMedia(binary([1, 1, 2, 3]));
    expect(found).toMatchObject({ rendition: 1, kind: "key", run: 515 });
    expect(found.body.byteLength).toBe(16);
    const kinds = [0, 1, 2, 3].map((kind) => readMedia(binary([1, kind, 0, 0])).kind);
    expect(kinds).toEqual(["init", "key", "delta", "sound"]);
  });

  it("refuses media that is cut short, of no known kind or far too large", () => {
    expect(() => readMedia(binary([1, 1, 0, 0], 4))).toThrow(BadMessage);
    expect(() => readMedia(new ArrayBuffer(0))).toThrow(BadMessage);
    expect(() => readMedia(binary([1, 9, 0, 0]))).toThrow(BadMessage);
    expect(() => readMedia(new ArrayBuffer(MOST_BINARY_BYTES + 1))).toThrow(BadMessage);
  });
});

function box(name: string, ...content: (number[] | Uint8Array)[]): Uint8Array {
  const body = content.flatMap((one) => [...one]);
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, body.length + 8);
  head.set([...name].map((letter) => letter.charCodeAt(0)), 4);
  return new Uint8Array([...head, ...body]);
}

describe("when a fragment begins", () => {
  const tfhd = box("tfhd", [0, 0, 0, 0, 0, 0, 0, 1]);
  const wrap = (tfdt: Uint8Array) =>
    new Uint8Array([
      ...box("prft", Array<number>(24).fill(0)),
      ...box("moof", box("mfhd", Array<number>(8).fill(0)), box("traf", tfhd, tfdt)),
      ...box("mdat", [1, 2, 3]),
    ]);

  it("is read in both widths", () => {
    expect(startOf(wrap(box("tfdt", [0, 0, 0, 0, 0, 0, 1, 44])))).toBe(300);
    expect(startOf(wrap(box("tfdt", [1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2])))).toBe(2 ** 32 + 2);
  });

  it("is unknown where the boxes lie", () => {
    const whole = wrap(box("tfdt", [1, 0, 0, 0, 0, 0]));
    expect(startOf(whole)).toBeUndefined();
    expect(startOf(new Uint8Array([0, 0, 0, 2, 1, 1, 1, 1, 1, 1]))).toBeUndefined();
    expect(startOf(new Uint8Array(0))).toBeUndefined();
    for (let cut = 0; cut < whole.length; cut += 1) {
      expect(startOf(whole.subarray(0, cut))).toBeUndefined();
    }
  });
});

class FakeSink implements Sink {
  updating = false;
  ranges: [number, number][] = [];
  done: string[] = [];
  quota = 0;
  buffered = {
    length: 0,
    start: (at: number) => this.ranges[at]?.[0] ?? 0,
    end: (at: number) => this.ranges[at]?.[1] ?? 0,
  };

  holds(...ranges: [number, number][]): void {
    this.ranges = ranges;
    this.buffered.length = ranges.length;
  }

  appendBuffer(data: BufferSource): void {
    if (this.quota > 0) {
      this.quota -= 1;
      throw Object.assign(new Error("full"), { name: "QuotaExceededError" });
    }
    this.done.push(`append ${[...(data as Uint8Array)].slice(0, 6).join(" ")}`);
    this.updating = true;
  }

  remove(from: number, to: number): void {
    this.done.push(`remove ${from} ${to}`);
    this.updating = true;
  }

  changeType(type: string): void {
    this.done.push(`type ${type}`);
  }
}

describe("the appender", () => {
  function made(head = 0) {
    const sink = new FakeSink();
    const place = { head };
    const dropped: string[] = [];
    const appender = new Appender(() => place.head, (track) => dropped.push(track));
    appender.open("video", sink, "h264");
    const settle = () => {
      sink.updating = false;
      appender.updated("video");
    };
    return { sink, place, dropped, appender, settle };
  }
  const piece = (value: number, size = 1) => new Uint8Array(size).fill(value);

  it("appends one at a time and joins what piled up", () => {
    const { sink, appender, settle } = made();
    appender.init("video", piece(9), "h264");
    appender.fragment("video", piece(1), true);
    appender.fragment("video", piece(2), false);
    expect(sink.done).toEqual(["append 9"]);
    settle();
    settle();
    expect(sink.done).toEqual(["append 9", "append 1 2"]);
  });

  it("begins with what stands alone, also after each init", () => {
    const { sink, appender, settle } = made();
    appender.fragment("video", piece(2), false);
    appender.init("video", piece(9), "h264");
    appender.fragment("video", piece(2), false);
    settle();
    appender.fragment("video", piece(1), true);
    settle();
    expect(sink.done).toEqual(["append 9", "append 1"]);
  });

  it("changes the type with an init of other codecs, never inside one append", () => {
    const { sink, appender, settle } = made();
    appender.init("video", piece(9), "h264");
    appender.fragment("video", piece(1), true);
    appender.init("video", piece(8), "hevc");
    appender.fragment("video", piece(3), true);
    for (let n = 0; n < 4; n += 1) settle();
    expect(sink.done).toEqual(["append 9", "append 1", "type hevc", "append 8 3"]);
  });

  it("drops what lies far behind the play head, now and then", () => {
    const { sink, place, appender, settle } = made(10);
    sink.holds([0, 12]);
    appender.init("video", piece(9), "h264");
    settle();
    expect(sink.done).toEqual(["append 9"]);
    place.head = 20;
    appender.fragment("video", piece(1), true);
    expect(sink.done.at(-1)).toBe(`remove 0 ${20 - KEPT_BEHIND_S}`);
    sink.holds([12, 22]);
    settle();
    expect(sink.done.at(-1)).toBe("append 1");
  });

  it("makes room when the browser has none, and tries again", () => {
    const { sink, appender, settle, dropped } = made(10);
    sink.holds([6, 12]);
    sink.quota = 1;
    appender.init("video", piece(9), "h264");
    expect(sink.done).toEqual(["remove 6 9"]);
    sink.holds([9, 12]);
    settle();
    expect(sink.done).toEqual(["remove 6 9", "append 9"]);
    expect(dropped).toEqual([]);
  });

  it("gives up to the next keyframe when there is no room at all", () => {
    const { sink, appender, settle, dropped } = made(10);
    sink.holds([9.5, 12]);
    appender.init("video", piece(9), "h264");
    settle();
    sink.quota = 1;
    appender.fragment("video", piece(1), true);
    expect(dropped).toEqual(["video"]);
    appender.fragment("video", piece(2), false);
    appender.fragment("video", piece(3), true);
    expect(sink.done).toEqual(["append 9", "append 3"]);
  });

  it("is bounded where nobody takes anything", () => {
    const { sink, appender, settle, dropped } = made();
    const huge = MOST_WAITING_BYTES / 4 + 1;
    appender.init("video", piece(9), "h264");
    appender.fragment("video", piece(1, huge), true);
    for (let n = 0; n < 3; n += 1) appender.fragment("video", piece(2, huge), false);
    expect(dropped).toEqual(["video"]);
    settle();
    appender.fragment("video", piece(3), true);
    expect(sink.done).toEqual(["append 9", "append 3"]);
  });

  it("lets other failures be seen", () => {
    const { sink, appender } = made();
    sink.appendBuffer = () => {
      throw new TypeError("removed");
    };
    expect(() => appender.init("video", piece(9), "h264")).toThrow(TypeError);
  });
});

describe("the quality menu", () => {
  const offer = { rungs: ["720p", "360p"], soundAlone: true, current: "720p" };

  it("has the pictures by name, best first, and sound alone", () => {
    expect(choicesOf(offer)).toEqual([AUTO, "720p", "360p", "audio"]);
    expect(choicesOf({ ...offer, soundAlone: false })).toEqual([AUTO, "720p", "360p"]);
  });

  it("is left out where there is nothing to choose between", () => {
    expect(choicesOf(NO_OFFER)).toEqual([]);
    expect(choicesOf({ ...NO_OFFER, rungs: ["720p"] })).toEqual([]);
    expect(choicesOf({ ...NO_OFFER, rungs: [""] })).toEqual([]);
  });

  it("holds what was chosen only as long as it is there", () => {
    expect(heldOf("360p", choicesOf(offer))).toBe("360p");
    expect(heldOf("audio", choicesOf({ ...offer, soundAlone: false }))).toBe(AUTO);
  });

  it("is made anew only when something in it has changed", () => {
    expect(sameOffer(offer, { ...offer, rungs: [...offer.rungs] })).toBe(true);
    expect(sameOffer(offer, { ...offer, current: "360p" })).toBe(false);
  });
});

describe("a picture that stands in front of a hole", () => {
  const PIECES = [
    { start: 0, end: 2, gap: false },
    { start: 2, end: 2.5, gap: false },
    { start: 2.5, end: 7.25, gap: true },
    { start: 7.25, end: 12, gap: true },
    { start: 12, end: 14, gap: false },
  ];

  it.each([2.3, 2.5, 5, 8, 11.9])("at %f goes on behind it", (at) => {
    expect(behindHole(PIECES, at)).toBe(12 + PADDING_S);
  });

  it.each([0, 1.9, 12, 13, 20])("at %f has none to go over", (at) => {
    expect(behindHole(PIECES, at)).toBeUndefined();
  });

  it("leads to the beginning of a lesson whose pictures came late", () => {
    const late = PIECES.map((one) => ({ ...one, start: one.start + 20, end: one.end + 20 }));
    expect(behindHole(late, 0)).toBe(20 + PADDING_S);
    expect(behindHole(late, 19.9)).toBeUndefined();
    expect(behindHole([{ start: 20, end: 22, gap: true }, { start: 22, end: 24 }], 0)).toBe(22 + PADDING_S);
  });

  it("goes to where no track has a hole any more", () => {
    const lateSound = [{ start: 20, end: 22 }];
    expect(behindHoles([PIECES, lateSound], 0)).toBe(20 + PADDING_S);
    expect(behindHoles([PIECES, [{ start: 4, end: 20 }]], 0)).toBe(12 + PADDING_S);
    expect(behindHoles([PIECES, []], 5)).toBe(12 + PADDING_S);
    expect(behindHoles([PIECES, PIECES], 13)).toBeUndefined();
  });

  it("is not come to by who seeks a moment", () => {
    const sound = [{ start: 0.02, end: 20 }];
    expect(soughtIn([PIECES, sound], 1)).toBe(1);
    expect(soughtIn([PIECES, sound], -3)).toBe(0.02 + PADDING_S);
    expect(soughtIn([PIECES, sound], 5)).toBe(12 + PADDING_S);
    expect(soughtIn([PIECES, [{ start: 13, end: 20 }]], 0)).toBe(13 + PADDING_S);
    expect(soughtIn([PIECES, []], 0)).toBe(PADDING_S);
  });

  it("waits until somebody is back", () => {
    expect(behindHole(PIECES.slice(0, 4), 2.5)).toBeUndefined();
    expect(behindHole([], 2.5)).toBeUndefined();
  });

  it("has patience first, and each time that it moved", () => {
    const still = new Standstill();
    expect(still.leads(10, 2.4, [PIECES])).toBeUndefined();
    expect(still.leads(10 + PATIENCE_S - 0.1, 2.4, [PIECES])).toBeUndefined();
    expect(still.leads(10 + PATIENCE_S, 2.4, [PIECES])).toBe(12 + PADDING_S);
    expect(still.leads(10 + PATIENCE_S + 0.1, 2.5, [PIECES])).toBeUndefined();
    still.moves();
    expect(still.leads(30, 2.5, [PIECES])).toBeUndefined();
  });
});

describe("a playlist request that the origin holds", () => {
  const POLICY = { maxTimeToFirstByteMs: 4800, maxLoadTimeMs: 4800, timeoutRetry: null, errorRetry: null };

  function waits(url: string): number[] {
    const given: LoaderConfiguration[] = [];
    class Usual {
      load(_: unknown, config: LoaderConfiguration) {
        given.push(config);
      }
    }
    const Patient = patient(Usual as unknown as HlsConfig["loader"]);
    const config = { loadPolicy: POLICY, maxRetry: 0, timeout: 4800, retryDelay: 0, maxRetryDelay: 0 };
    const loader = new Patient({} as HlsConfig);
    loader.load({ url } as PlaylistLoaderContext, config, {} as LoaderCallbacks<PlaylistLoaderContext>);
    return given.flatMap((one) => [
      one.timeout, one.loadPolicy.maxTimeToFirstByteMs, one.loadPolicy.maxLoadTimeMs,
    ]);
  }

  it("is waited for as long as it may be held", () => {
    expect(waits("/live/s/720p.m3u8?_HLS_msn=7&_HLS_part=3")).toEqual([HELD_MS, HELD_MS, HELD_MS]);
  });

  it("is no other request", () => {
    expect(waits("/live/s/720p.m3u8?token=x")).toEqual([4800, 4800, 4800]);
  });
});
