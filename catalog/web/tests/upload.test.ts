import { describe, expect, it } from "vitest";
import { looksPlayable } from "@/upload/drop";
import { guessFrom } from "@/upload/filename";
import { changes, EMPTY_DETAILS, fromLast, prefill, shared, splitList, uploadMetadata } from "@/upload/metadata";
import { isOver, newRow, nextToStart, secondsLeft, shareDone, step, takes, type Input, type Row } from "@/upload/queue";
import { reasonFor, unfinished } from "@/upload/transfer";
import { chineseChoices } from "@/i18n/vocabulary";
import type { LessonCard, LessonEvent, LessonState } from "@/api/types";

const WORDS = {
  stages: chineseChoices("stage"),
  grades: chineseChoices("grade"),
  subjects: chineseChoices("subject"),
  editions: chineseChoices("edition"),
};

function fed(row: Row, ...inputs: Input[]): Row {
  return inputs.reduce(step, row);
}

function event(state: LessonState, progress = 0, code = ""): LessonEvent {
  const error = code ? { code, message: "" } : null;
  return { id: "L", state, progress, eta_s: 40, error, generation: 1 };
}

const start: Input = { type: "start", at: 0 };
const fresh = () => newRow("a", "a.mp4", 1000);

describe("a file on its way", () => {
  it("goes from the drop to the screen", () => {
    const phases: string[] = [];
    let row = fresh();
    const inputs: Input[] = [
      start,
      { type: "progress", sent: 500, at: 1000 },
      { type: "stored", lesson: "L" },
      { type: "lesson", event: event("queued") },
      { type: "lesson", event: event("transcoding", 0.2) },
      { type: "lesson", event: event("playable", 0.5) },
      { type: "lesson", event: event("ready", 1) },
    ];
    for (const input of inputs) phases.push((row = step(row, input)).phase);
    expect(phases).toEqual([
      "uploading", "uploading", "checking", "checking", "transcoding", "playable", "ready",
    ]);
    expect([row.lesson, row.sent, shareDone(row)]).toEqual(["L", 1000, 1]);
  });

  it("has one bar that never goes back", () => {
    const inputs: Input[] = [
      start,
      { type: "progress", sent: 700, at: 1000 },
      { type: "stored", lesson: "L" },
      { type: "lesson", event: event("transcoding", 0.1) },
      { type: "lesson", event: event("playable", 0.8) },
      { type: "lesson", event: event("ready", 1) },
    ];
    let row = fresh();
    const shares = inputs.map((input) => shareDone((row = step(row, input))));
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });

  it("measures its speed smoothly and says what is left when that is worth it", () => {
    let row = fed(newRow("a", "a", 100_000), start, { type: "progress", sent: 1000, at: 1000 });
    expect(row.rate).toBe(1000);
    row = step(row, { type: "progress", sent: 1200, at: 1100 });
    expect(row.rate).toBe(1000);
    row = step(row, { type: "progress", sent: 3000, at: 2000 });
    expect(row.rate).toBeCloseTo(1300);
    expect(secondsLeft(row)).toBeCloseTo(97_000 / 1300);
    expect(secondsLeft({ ...row, sent: 95_000 })).toBeNull();
  });

  it("pauses, waits its turn again, and goes on", () => {
    const row = fed(fresh(), start, { type: "pause" }, { type: "resume" });
    expect(row.phase).toBe("waiting");
    expect(step(row, start).phase).toBe("uploading");
  });

  it("tells a stalled line, and forgets it with the next byte", () => {
    const stalled = fed(fresh(), start, { type: "stalled" });
    expect([stalled.phase, stalled.reason]).toEqual(["uploading", "offline"]);
    expect(step(stalled, { type: "progress", sent: 1, at: 9 }).reason).toBe("");
  });

  it("can be tried again after a failure, not after a refusal", () => {
    const failed = fed(fresh(), start, { type: "failed", reason: "lost" });
    expect(step(failed, { type: "retry" }).phase).toBe("waiting");
    for (const reason of ["tooLarge", "noRight", "notVideo"] as const) {
      const refused = fed(fresh(), start, { type: "failed", reason });
      expect([refused.phase, takes(refused, "retry")]).toEqual(["refused", false]);
    }
  });

  it("keeps why the server could not prepare it, and recovers when it is tried again there", () => {
    const row = fed(fresh(), start, { type: "stored", lesson: "L" }, {
      type: "lesson",
      event: event("failed", 0, "source_damaged"),
    });
    expect([row.phase, row.code]).toEqual(["failed", "source_damaged"]);
    const again = step(row, { type: "lesson", event: event("queued") });
    expect([again.phase, again.code]).toEqual(["checking", ""]);
  });

  it("refuses at once what is no lesson, and may be asked again when only space is missing", () => {
    const empty = newRow("a", "a.mp4", 0, "empty");
    expect([empty.phase, isOver(empty), takes(empty, "retry")]).toEqual(["refused", true, false]);
    const large = newRow("a", "a.mp4", 1000, "overQuota");
    expect([large.phase, isOver(large), takes(large, "retry")]).toEqual(["failed", false, true]);
    expect(nextToStart([empty, large], 2)).toEqual([]);
  });

  it("does not take what makes no sense", () => {
    expect(() => step(fresh(), { type: "stored", lesson: "L" })).toThrow("waiting cannot take");
    expect(() => fed(fresh(), { type: "cancel" }, { type: "retry" })).toThrow("cancelled");
  });

  it("starts the next ones up to the limit, in order", () => {
    const rows = ["a", "b", "c", "d"].map((id) => newRow(id, id, 1));
    expect(nextToStart(rows, 2)).toEqual(["a", "b"]);
    const busy = [step(rows[0] as Row, start), ...rows.slice(1)];
    expect(nextToStart(busy, 2)).toEqual(["b"]);
    expect(nextToStart(busy, 1)).toEqual([]);
  });
});

describe("what a file name says", () => {
  it.each([
    ["三年级数学《分数的初步认识》王海燕老师.mp4",
      { title: "分数的初步认识", grade: "g3", subject: "mathematics", teacher: "王海燕老师" }],
    ["8年级物理-人教版《牛顿第一定律》.MOV",
      { title: "牛顿第一定律", grade: "g8", subject: "physics", edition: "pep" }],
    ["高一化学《离子反应》.mkv", { title: "离子反应", grade: "g10", subject: "chemistry" }],
    ["03_草船借箭.mp4", { title: "草船借箭" }],
    ["IMG_2041.mp4", { title: "IMG 2041" }],
    ["青岛版 小学数学 圆的面积.mp4",
      { title: "青岛版 小学数学 圆的面积", stage: "primary", subject: "mathematics", edition: "qingdao" }],
    ["../../etc/passwd.mp4", { title: "passwd" }],
    [".mp4", { title: "mp4" }],
  ])("%s", (name, expected) => {
    expect(guessFrom(name, WORDS)).toEqual(expected);
  });
});

describe("the form", () => {
  const last = {
    teacher: "王海燕", stage: "primary", grade: "g3", subject: "mathematics", edition: "qingdao",
    series: { id: "s1", name: "青快学" }, visibility: "city",
  } as LessonCard;

  it("begins as the teacher's last lesson, the file name knowing better", () => {
    const details = prefill("五年级语文《草船借箭》.mp4", fromLast(last, "我"), WORDS);
    expect(details).toEqual({
      ...EMPTY_DETAILS, title: "草船借箭", teacher: "王海燕", stage: "primary", grade: "g5",
      subject: "chinese", edition: "qingdao", series: "s1", visibility: "city",
    });
  });

  it("does not keep a grade of another stage", () => {
    const details = prefill("高中物理《动量》.mp4", fromLast(last, "我"), WORDS);
    expect([details.stage, details.grade]).toEqual(["senior", ""]);
    expect(prefill("八年级.mp4", fromLast(undefined, "我"), WORDS).stage).toBe("junior");
  });

  it("sends what is set, and later only what changed", () => {
    const before = { ...EMPTY_DETAILS, title: "一", series: "s1" };
    expect(uploadMetadata("a.mp4", before)).toEqual({
      filename: "a.mp4", title: "一", series: "s1", visibility: "public",
    });
    expect(changes(before, { ...before, tags: "微课，难点", series: "", chapter: "二" })).toEqual({
      tags: ["微课", "难点"], series_id: null, chapter: "二",
    });
    expect(changes(before, before)).toEqual({});
  });

  it("shares with a batch what a batch has in common", () => {
    const from = { ...EMPTY_DETAILS, title: "一", chapter: "1", subject: "physics" };
    const into = { ...EMPTY_DETAILS, title: "二", chapter: "2" };
    expect(shared(from, into)).toEqual({ ...into, subject: "physics" });
  });

  it("cuts lists at any comma", () => {
    expect(splitList("a，b、c; a,,\n d ")).toEqual(["a", "b", "c", "d"]);
  });
});

describe("choosing files", () => {
  it("knows videos by name or type", () => {
    const names = ["a.MP4", "b.rmvb", "c.mp4.docx", "Thumbs.db", "d.mp3"];
    expect(names.map((name) => looksPlayable({ name, type: "" }))).toEqual([
      true, true, false, false, true,
    ]);
    expect(looksPlayable({ name: "x", type: "video/quicktime" })).toBe(true);
  });
});

describe("why an upload stopped", () => {
  it.each([
    [0, "PATCH", "", "lost"],
    [401, "POST", "", "signIn"],
    [403, "POST", "", "noRight"],
    [413, "POST", "over your quota", "overQuota"],
    [413, "POST", "larger than one upload may be", "tooLarge"],
    [422, "POST", "", "invalid"],
    [422, "PATCH", "this file is text, not a video: choose the video file itself", "text"],
    [422, "PATCH", "this file is an archive or office document, not a video: unpack", "archive"],
    [422, "PATCH", "this file is a document, not a video: export it", "document"],
    [422, "PATCH", "something new", "notVideo"],
    [507, "PATCH", "", "overQuota"],
    [500, "PATCH", "", "server"],
  ])("%i %s %s", (status, method, detail, reason) => {
    expect(reasonFor(status, method, detail)).toBe(reason);
  });

  it("lists only this person's unfinished files", () => {
    const stored = new Map([
      ["tus::tongbu-p1-a.mp4-10-1::77", '{"size":10,"metadata":{"filename":"a.mp4"}}'],
      ["tus::tongbu-p2-b.mp4-10-1::78", '{"size":10,"metadata":{"filename":"b.mp4"}}'],
      ["tus::tongbu-p1-c.mp4-10-1::79", "{"],
      ["other", "x"],
    ]);
    const storage = {
      length: stored.size,
      key: (index: number) => [...stored.keys()][index] ?? null,
      getItem: (key: string) => stored.get(key) ?? null,
    };
    expect(unfinished("p1", storage)).toEqual([
      { key: "tus::tongbu-p1-a.mp4-10-1::77", file: "tongbu-p1-a.mp4-10-1", name: "a.mp4", size: 10 },
    ]);
  });
});
