import { afterEach, describe, expect, it, vi } from "vitest";
import { lineDown } from "@/api/client";
import { CapWatch, limitsOf, readCap, withAll, type Cap } from "@/player/cap";
import { preferredAv1, repeatedLevels, unsmoothLevels, withAv1 } from "@/player/codec";
import { commandFor } from "@/player/keys";
import { qualities, type Level } from "@/player/quality";
import { readMarks, resumeAt, saveMark, type Shelf } from "@/player/resume";
import { bufferedEnd, nextSpeed, previewLeft, reachable, timeAt, timeline } from "@/player/seek";
import { indexAt, parseCues, parseThumbnails } from "@/player/vtt";

function level(index: number, height: number, bitrate: number, codec = "avc1.640028"): Level {
  return { index, height, width: Math.round((height * 16) / 9), bitrate, codec };
}

describe("WebVTT", () => {
  const text =
    "WEBVTT\r\n\r\nNOTE nothing\r\n\r\n1\r\n00:05.000 --> 00:07.500 align:start\r\n<v 老师>一 &lt; 二</v>\r\n第二行\r\n\r\n00:00:01.000 --> 00:00:02.000\r\n先\r\n";

  it("gives cues in order, without tags, entities read", () => {
    expect(parseCues(text)).toEqual([
      { start: 1, end: 2, text: "先" },
      { start: 5, end: 7.5, text: "一 < 二\n第二行" },
    ]);
  });

  it("passes over blocks that are damaged or run backwards", () => {
    expect(parseCues("WEBVTT\n\n00:09.000 --> 00:01.000\nx\n\nab --> cd\ny\n\n--> \n")).toEqual([]);
  });

  it("reads sprite cells and carries the token on to the picture", () => {
    const vtt = "WEBVTT\n\n00:00.000 --> 00:10.000\nsprite-0.jpg#xywh=160,90,160,90\n";
    expect(parseThumbnails(vtt, "http://h/media/L/thumbnails.vtt?token=a.b")).toEqual([
      {
        start: 0,
        end: 10,
        url: "http://h/media/L/sprite-0.jpg?token=a.b",
        x: 160,
        y: 90,
        width: 160,
        height: 90,
      },
    ]);
  });

  it("does not hand the token to another host", () => {
    const vtt = "WEBVTT\n\n00:00.000 --> 00:10.000\nhttp://other/s.jpg#xywh=0,0,1,1\n";
    expect(parseThumbnails(vtt, "http://h/t.vtt?token=a")[0]?.url).toBe("http://other/s.jpg");
  });

  it("finds the cue of a moment", () => {
    const items = [{ start: 0 }, { start: 5 }, { start: 9 }];
    expect([-1, 0, 4.9, 5, 100].map((time) => indexAt(items, time))).toEqual([-1, 0, 0, 1, 2]);
  });
});

describe("seeking", () => {
  it("maps the pointer to a time inside the lesson", () => {
    expect([-5, 0, 50, 100, 500].map((x) => timeAt(x, 100, 60))).toEqual([0, 0, 30, 60, 60]);
    expect(timeAt(10, 0, 60)).toBe(0);
  });

  it("keeps the preview inside the bar", () => {
    expect([0, 300, 600].map((x) => previewLeft(x, 160, 600))).toEqual([0, 220, 440]);
  });

  it("tells how far is loaded in the range that holds the moment", () => {
    const ranges = [
      { start: 0, end: 8 },
      { start: 20, end: 30 },
    ];
    expect([3, 12, 25].map((time) => bufferedEnd(ranges, time))).toEqual([8, 12, 30]);
  });

  it("shows the whole lesson while only part of it can be watched", () => {
    expect(timeline(2700, 640)).toEqual({ duration: 2700, available: 640 });
    expect(timeline(null, 640)).toEqual({ duration: 640, available: 640 });
    expect(timeline(60, 60.2)).toEqual({ duration: 60.2, available: 60.2 });
    expect(timeline(60, Infinity)).toEqual({ duration: 60, available: 0 });
  });

  it("does not lead beyond what is there", () => {
    expect(reachable(900, 640, true)).toBe(638);
    expect(reachable(900, 640, false)).toBe(640);
    expect(reachable(-3, 640, true)).toBe(0);
  });

  it("steps through the speeds and stops at the ends", () => {
    expect([nextSpeed(1, 1), nextSpeed(1, -1), nextSpeed(2, 1), nextSpeed(0.75, -1)]).toEqual([
      1.25, 0.75, 2, 0.75,
    ]);
  });
});

describe("quality names", () => {
  it("orders from the best, calls the thinner of two equal ones a saver", () => {
    const found = qualities([
      level(0, 360, 150_000),
      level(1, 1080, 400_000),
      level(2, 1080, 1_500_000),
      level(3, 720, 600_000),
    ]);
    expect(found.map(({ index, lines, grade }) => [index, lines, grade])).toEqual([
      [2, 1080, "hd"],
      [1, 1080, "save"],
      [3, 720, "hd"],
      [0, 360, "smooth"],
    ]);
  });

  it("names by the short side, near enough to a number people know", () => {
    const portrait = { index: 0, width: 406, height: 720, bitrate: 1, codec: "" };
    const odd = { index: 1, width: 1920, height: 1072, bitrate: 1, codec: "" };
    expect(qualities([portrait, odd]).map((item) => item.lines)).toEqual([1080, 406]);
  });

  it("puts AV1 behind H.264 of the same size, and sound last", () => {
    const found = qualities([
      { index: 0, width: 0, height: 0, bitrate: 64_000, codec: "" },
      level(1, 1080, 90_000, "av01.0.08M.08"),
      level(2, 1080, 400_000),
    ]);
    expect(found.map(({ index, grade }) => [index, grade])).toEqual([
      [2, "hd"],
      [1, "thin"],
      [0, "audio"],
    ]);
  });
});

describe("AV1 only where it is smooth", () => {
  const levels = [level(0, 720, 600_000), level(1, 1080, 90_000, "av01.0.08M.08")];
  const answering = (smooth: boolean) => ({
    decodingInfo: () => Promise.resolve({ supported: true, smooth }),
  });

  it("takes away what stutters, fails or cannot be asked", async () => {
    const broken = { decodingInfo: () => Promise.reject(new TypeError("codec")) };
    expect(await unsmoothLevels(levels, answering(true))).toEqual([]);
    expect(await unsmoothLevels(levels, answering(false))).toEqual([1]);
    expect(await unsmoothLevels(levels, broken)).toEqual([1]);
    expect(await unsmoothLevels(levels, undefined)).toEqual([1]);
  });

  it("asks with the very size and rate", async () => {
    const asked: MediaDecodingConfiguration[] = [];
    await unsmoothLevels(levels, {
      decodingInfo: (configuration) => {
        asked.push(configuration);
        return Promise.resolve({ supported: true, smooth: true });
      },
    });
    expect(asked.map((item) => [item.video?.width, item.video?.contentType])).toEqual([
      [1920, 'video/mp4; codecs="av01.0.08M.08"'],
    ]);
  });

  it("is held while the line carries it, with a margin either way", () => {
    expect(preferredAv1(levels, 120_000, false)).toBeUndefined();
    expect(preferredAv1(levels, 140_000, false)).toBe(1);
    expect(preferredAv1(levels, 110_000, true)).toBe(1);
    expect(preferredAv1(levels, 90_000, true)).toBeUndefined();
  });

  it("gives way to a larger H.264 picture that the line carries too", () => {
    const camera = [level(0, 1080, 2_500_000), level(1, 720, 200_000, "av01.0.05M.08")];
    expect(preferredAv1(camera, 1_000_000, false)).toBe(1);
    expect(preferredAv1(camera, 5_000_000, false)).toBeUndefined();
  });
});

class Memory implements Shelf {
  items = new Map<string, string>();
  full = false;
  getItem = (key: string) => this.items.get(key) ?? null;
  removeItem = (key: string) => void this.items.delete(key);
  setItem(key: string, value: string): void {
    if (this.full) throw new Error("quota");
    this.items.set(key, value);
  }
}

describe("resuming", () => {
  it("goes on in the middle, not at the beginning or the end", () => {
    const at = (time: number) => resumeAt({ time, duration: 1000, at: 0 });
    expect([5, 300, 984, 990].map(at)).toEqual([0, 300, 984, 0]);
    expect(resumeAt(undefined)).toBe(0);
  });

  it("keeps the newest marks only", () => {
    const shelf = new Memory();
    for (let n = 0; n < 230; n += 1) saveMark(shelf, `L${n}`, { time: 20, duration: 60, at: n });
    const marks = readMarks(shelf);
    expect(marks.size).toBe(200);
    expect(marks.has("L229")).toBe(true);
    expect(marks.has("L0")).toBe(false);
  });

  it("survives damaged and full storage", () => {
    const shelf = new Memory();
    shelf.items.set("tongbu.resume", '{"a":{"time":"x"},"b":null}');
    expect(readMarks(shelf).size).toBe(0);
    shelf.items.set("tongbu.resume", "{");
    expect(readMarks(shelf).size).toBe(0);
    shelf.full = true;
    saveMark(shelf, "L", { time: 1, duration: 2, at: 3 });
    expect(readMarks(shelf).size).toBe(0);
  });
});

describe("what is listed", () => {
  it("asks for AV1 behind a token or without one", () => {
    expect(withAv1("/m.m3u8")).toBe("/m.m3u8?av1=1");
    expect(withAv1("/m.m3u8?token=t")).toBe("/m.m3u8?token=t&av1=1");
  });

  it("shows each picture once, with the thinner sound", () => {
    const levels = [
      { uri: "low", bitrate: 130 },
      { uri: "low", bitrate: 160 },
      { uri: "high", bitrate: 560 },
      { uri: "high", bitrate: 530 },
      { uri: "av1", bitrate: 300 },
    ];
    expect(repeatedLevels(levels)).toEqual([1, 2]);
    expect(repeatedLevels([])).toEqual([]);
  });
});

describe("keys", () => {
  it("know the letters and the arrows over the picture", () => {
    expect(commandFor(" ", false, "picture")).toEqual({ do: "toggle" });
    expect(commandFor("J", false, "picture")).toEqual({ do: "seekBy", seconds: -10 });
    expect(commandFor("ArrowRight", false, "picture")).toEqual({ do: "seekBy", seconds: 5 });
    expect(commandFor("7", false, "picture")).toEqual({ do: "seekTo", share: 0.7 });
    expect(commandFor(">", false, "picture")).toEqual({ do: "speed", step: 1 });
    expect(commandFor("q", false, "picture")).toBeUndefined();
  });

  it("leave controls, text and shortcuts of the browser alone", () => {
    expect(commandFor(" ", false, "control")).toBeUndefined();
    expect(commandFor("ArrowLeft", false, "control")).toBeUndefined();
    expect(commandFor("m", false, "control")).toEqual({ do: "mute" });
    expect(commandFor("f", true, "picture")).toBeUndefined();
    expect(commandFor("k", false, "text")).toBeUndefined();
  });
});

describe("a school's cap", () => {
  const id = (number: number) => `000000000000000000${String(number).padStart(2, "0")}`;
  const rung = (number: number, height: number, bitrate: number) => ({
    uri: `http://box/media/L/${id(number)}/media.m3u8?token=t`, height, bitrate,
  });
  const LADDER = [rung(9, 0, 64_000), rung(1, 240, 300_000), rung(2, 360, 600_000), rung(3, 720, 2_000_000)];
  const cap = (...rungs: string[]): Cap => ({ rungs: new Set(rungs), why: "line", lineUp: true });

  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
    lineDown.value = false;
  });

  it("is read strictly", () => {
    expect(readCap({ line: "up", rungs: ["a"], why: "line" })).toEqual({
      rungs: new Set(["a"]), why: "line", lineUp: true,
    });
    expect(readCap({ line: "down", rungs: null, why: null })).toEqual({
      rungs: null, why: null, lineUp: false,
    });
    expect(readCap({ line: "up", rungs: [], why: "news of tomorrow" })?.why).toBeNull();
    for (const wrong of [null, [], {}, { line: "up" }, { line: "up", rungs: [1] }, { rungs: null }]) {
      expect(readCap(wrong)).toBeUndefined();
    }
  });

  it("holds the ladder between the least and the most that may be chosen; sound is free", () => {
    expect(limitsOf(LADDER, cap(id(2)))).toEqual({
      highest: 2, lowestBps: 600_000, allowed: [true, false, true, false],
    });
    expect(limitsOf(LADDER, cap(id(1), id(3)))?.allowed).toEqual([true, true, false, true]);
    expect(limitsOf(LADDER, cap(id(1), id(3)))?.highest).toBe(3);
  });

  it("leaves the thinnest picture where nothing that is here may be chosen", () => {
    expect(limitsOf(LADDER, cap("elsewhere"))).toEqual({
      highest: 1, lowestBps: 300_000, allowed: [true, true, false, false],
    });
  });

  it("is none without a box, or when all fits", () => {
    expect(limitsOf(LADDER, undefined)).toBeUndefined();
    expect(limitsOf(LADDER, { rungs: null, why: null, lineUp: true })).toBeUndefined();
  });

  it("asks for the whole list beside the token", () => {
    expect(withAll("/m.m3u8?token=a")).toBe("/m.m3u8?token=a&whole=1");
    expect(withAll("/m.m3u8")).toBe("/m.m3u8?whole=1");
  });

  it("is not asked for again where there is no box", async () => {
    for (const answer of [new Response(null, { status: 204 }), new Response("x", { status: 404 })]) {
      vi.stubGlobal("fetch", vi.fn(async () => answer));
      expect(await new CapWatch("L").begin()).toBe(false);
    }
    vi.stubGlobal("fetch", vi.fn(async () => { throw new TypeError("away"); }));
    expect(await new CapWatch("L").begin()).toBe(false);
  });

  it("is followed, comes, goes, and tells whether the line is there", async () => {
    vi.useFakeTimers();
    const answers = [
      { line: "up", rungs: null, why: null },
      { line: "down", rungs: ["a"], why: "line" },
      undefined,
      { line: "up", rungs: null, why: null },
    ];
    const asked = vi.fn(async () => {
      const found = answers.shift();
      if (!found) throw new TypeError("away for a moment");
      return Response.json(found);
    });
    vi.stubGlobal("fetch", asked);
    vi.stubGlobal("window", globalThis);
    const watch = new CapWatch("L");
    const seen: (readonly string[] | null)[] = [];
    expect(await watch.begin()).toBe(true);
    watch.follow(() => seen.push(watch.cap?.rungs ? [...watch.cap.rungs] : null));
    await vi.advanceTimersByTimeAsync(3000);
    expect(lineDown.value).toBe(true);
    await vi.advanceTimersByTimeAsync(3000);
    expect(watch.cap?.rungs).toEqual(new Set(["a"]));
    await vi.advanceTimersByTimeAsync(3000);
    expect(seen).toEqual([["a"], null]);
    expect(lineDown.value).toBe(false);
    watch.close();
    await vi.advanceTimersByTimeAsync(30_000);
    expect(asked).toHaveBeenCalledTimes(4);
  });
});
