/** Operations: the wall kept up, evidence in sentences, history as lines, runbooks as blocks. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { OperationsPast, WallChange } from "@/api/types";
import { CODES, sentenceOf, type Measures } from "@/operations/evidence";
import { bandsOf, isKnown, lineOf, spanOf } from "@/operations/past";
import { pathTo } from "@/operations/path";
import { BOOKS } from "@/operations/books";
import { addressed, addressesOf, blocksOf, boxUrlOf, inLanguage } from "@/operations/runbook";
import {
  alertFor, alertsOf, applied, CAUSES, EMPTY, lineOf as capacityOf, moodOfSchool, roomsOf, rungsText, schoolsOf, sessionsOf,
  shareOf, silentFor, SILENT_MS, standingOf, troubledOf, type WallState,
} from "@/operations/wall";
import { alert, evidence, lesson, room, school } from "./operations_rows";

type Tree = { [name: string]: Tree | string };
const chinese = JSON.parse(readFileSync("src/i18n/operations.zh-CN.json", "utf8")) as Tree;

function word(key: string): string {
  const found = key.split(".").reduce<Tree | string | undefined>(
    (tree, name) => (typeof tree === "object" ? tree[name] : undefined), chinese,
  );
  if (typeof found !== "string") throw new Error(`no words for ${key}`);
  return found;
}

const change = (more: Partial<WallChange> = {}): WallChange => ({
  version: 1, at: 100, whole: false, city: null, districts: {}, schools: {}, sessions: {}, rooms: {},
  alerts: {}, ...more,
});

function wallOf(more: Partial<WallChange>): WallState {
  return applied(EMPTY, change({ whole: true, ...more }));
}

describe("the wall", () => {
  it("begins with everything and follows what changes", () => {
    const first = wallOf({ schools: { a: school("a"), b: school("b") } });
    const then = applied(first, change({ at: 101, schools: { b: null, c: school("c") } }));
    expect([...then.schools.keys()]).toEqual(["a", "c"]);
    expect(then.at).toBe(101);
    expect([...first.schools.keys()]).toEqual(["a", "b"]);
    expect(then.rooms).toBe(first.rooms);
  });

  it("forgets all when it is told everything anew", () => {
    const first = wallOf({ schools: { a: school("a") }, alerts: { x: alert("LineThin") } });
    const then = applied(first, change({ whole: true, schools: { z: school("z") } }));
    expect([[...then.schools.keys()], then.alerts.size, then.city]).toEqual([["z"], 0, undefined]);
  });

  it("shows who sees nothing in another way than who merely suffers", () => {
    expect(moodOfSchool(school("a"))).toBe("idle");
    expect(moodOfSchool(school("a", { sessions: ["l1"] }))).toBe("air");
    expect(moodOfSchool(school("a", { cause: "line", evidence: [evidence("line_thin")] }))).toBe("bad");
    expect(moodOfSchool(school("a", { cause: "line", evidence: [evidence("box_untold")] }))).toBe("broken");
  });

  it("puts the worst first", () => {
    const state = wallOf({
      schools: {
        a: school("a"), b: school("b", { sessions: ["l1"] }), e: school("e", { district: "d2" }),
        c: school("c", { cause: "device", evidence: [evidence("device_late")] }),
        d: school("d", { cause: "edge", evidence: [evidence("box_closed")] }),
      },
      sessions: { l1: lesson("l1"), l2: lesson("l2", { bad: 1 }), l3: lesson("l3", { cause: "encoder" }) },
      rooms: { x: room("x"), y: room("y", { state: "bad" }), z: room("z", { school: "b", session: "l2" }) },
      alerts: { p: alert("LineThin"), q: alert("LineCut", { severity: "critical" }) },
    });
    expect(schoolsOf(state, "d1").map((row) => row.id)).toEqual(["d", "c", "b", "a"]);
    expect(troubledOf(state).map((row) => row.id)).toEqual(["d", "c"]);
    expect(sessionsOf(state).map((row) => row.id)).toEqual(["l3", "l2", "l1"]);
    expect(sessionsOf(state, ["l1"]).map((row) => row.id)).toEqual(["l1"]);
    expect(roomsOf(state, { school: "a" }).map((row) => row.id)).toEqual(["y", "x"]);
    expect(roomsOf(state, { session: "l2" }).map((row) => row.id)).toEqual(["z"]);
    expect(alertsOf(state).map((row) => row.name)).toEqual(["LineCut", "LineThin"]);
  });

  it("has the alert that a figure has opened", () => {
    const thin = { ...evidence("line_thin"), figure: 2e6, unit: "bps" };
    const state = wallOf({
      schools: { a: school("a", { cause: "line", evidence: [thin] }) },
      sessions: { l1: lesson("l1", { cause: "encoder", evidence: [evidence("encoder_silent", "l1")] }) },
      alerts: {
        p: alert("LineThin"), q: alert("LineThin", { subject: "b" }),
        r: alert("EncoderStopped", { kind: "session", subject: "l1", code: "encoder_silent" }),
        s: alert("LoopLate", { kind: "city", subject: "", code: "origin_busy" }),
      },
    });
    expect(alertFor(state, [thin], "a")?.name).toBe("LineThin");
    expect(alertFor(state, [evidence("encoder_silent", "l1")], "a")?.name).toBe("EncoderStopped");
    expect(alertFor(state, [evidence("origin_busy")], "a")?.name).toBe("LoopLate");
    expect(alertFor(state, [evidence("line_lags")], "a")).toBeUndefined();
  });

  it("knows how it is with what an alert told of", () => {
    const thin = alert("LineThin");
    const now = (rows: Parameters<typeof wallOf>[0], about = thin) => standingOf(wallOf(rows), about);
    const row = alert("LineThin", { since: 7 });
    expect(now({ alerts: { "LineThin:school:a": row } })).toEqual({ is: "open", row });
    expect(now({ schools: { a: school("a") } })).toEqual({ is: "over" });
    expect(now({ schools: { a: school("a", { cause: "encoder" }) } })).toEqual({ is: "other", cause: "encoder" });
    expect(now({})).toEqual({ is: "left" });
    const ofLesson = alert("EncoderStopped", { kind: "session", subject: "l1" });
    expect(now({ sessions: { l1: lesson("l1") } }, ofLesson)).toEqual({ is: "over" });
    expect(now({ sessions: {} }, ofLesson)).toEqual({ is: "left" });
    const busy = alert("LoopLate", { kind: "city", subject: "" });
    expect(now({ alerts: { "LoopLate:school:a": alert("LoopLate") } }, busy)).toEqual({ is: "over" });
  });

  it("has figures of places: what is watched, how much of a line", () => {
    expect(rungsText({ "360p": 1, "720p": 3 })).toBe("720p 3 · 360p 1");
    expect(rungsText({})).toBe("–");
    expect(shareOf(school("a", { use_bps: 3e6 }))).toBe(38);
    const capped = school("a", { line_bps: 4e6, use_bps: 3e6 });
    expect([capacityOf(capped), shareOf(capped)]).toEqual([4e6, 75]);
    expect(capacityOf(school("a", { line_bps: null }))).toBeUndefined();
    expect(shareOf(school("a", { box: "silent", line_bps: null }))).toBeUndefined();
  });

  it("names the origin when the service says nothing", () => {
    expect(silentFor(0, SILENT_MS - 1)).toBeUndefined();
    expect(silentFor(0, SILENT_MS)).toBe(6);
    expect(SILENT_MS).toBeLessThan(15_000);
  });
});

const measures: Measures = {
  rate: (bps) => `${bps / 1e6} 兆`,
  span: (seconds) => `${seconds} 秒`,
  count: String,
  share: (value) => `${value * 100}%`,
};

describe("evidence", () => {
  it.each(CODES)("%s has a sentence, in which all places are filled", (code) => {
    const { key, named } = sentenceOf(evidence(code, "三年级一班"), measures, (about) => about);
    const said = word(key).replace(/\{(\w+)\}/g, (_, name: string) => named[name] ?? "??");
    expect(said).not.toMatch(/[{}?]/);
  });

  it("is known here as the service knows it", () => {
    const source = readFileSync("../operations/alerts.py", "utf8");
    const theirs = [...source.matchAll(/^ {4}"([a-z_]+)": \("/gm)].map((found) => found[1]);
    expect([...CODES].sort()).toEqual(theirs.sort());
    const causes = readFileSync("../operations/verdict.py", "utf8");
    expect(CAUSES).toEqual([...causes.matchAll(/^ {4}[A-Z]+ = "([a-z]+)"/gm)].map((found) => found[1]));
    for (const cause of CAUSES) expect(word(`operations.fault.${cause}`)).toBeTruthy();
  });

  it("has figures with units and names in place of ids", () => {
    const row = { ...evidence("line_thin"), figure: 2.4e6, unit: "bps" };
    expect(sentenceOf(row, measures, () => "").named.figure).toBe("2.4 兆");
    const found = sentenceOf(evidence("encoder_silent", "l1"), measures, () => "两位数乘法");
    expect(found.named).toMatchObject({ figure: "4 秒", limit: "3 秒", about: "两位数乘法" });
  });

  it("that nobody here knows is told by its code", () => {
    const { key, named } = sentenceOf(evidence("moon_eclipsed"), measures, (about) => about);
    expect([key, named.code]).toEqual(["operations.evidence.other", "moon_eclipsed"]);
  });
});

describe("history", () => {
  const past: OperationsPast = {
    step_s: 10,
    figures: ["delay_ms", "use_bps", "cause"],
    points: [
      [100, 400, 1e6, null], [110, 450, null, 2], [120, 500, 2e6, 2], [200, 400, 1e6, 5],
    ],
  };

  it("is a line that breaks where nothing was told", () => {
    expect(lineOf(past, "delay_ms")).toEqual([
      [100_000, 400], [110_000, 450], [120_000, 500], [130_000, null], [200_000, 400],
    ]);
    expect(lineOf(past, "use_bps", 1e-6).map(([, value]) => value)).toEqual([1, null, 2, null, 1]);
    expect(lineOf(past, "nothing")).toEqual([]);
    expect([isKnown(lineOf(past, "delay_ms")), isKnown([[1, null]])]).toEqual([true, false]);
  });

  it("has bands for the time in which a cause was named", () => {
    expect(bandsOf(past)).toEqual([
      { cause: "line", fromMs: 110_000, toMs: 130_000 },
      { cause: "device", fromMs: 200_000, toMs: 210_000 },
    ]);
  });

  it("takes spans of the address that there are, else an hour", () => {
    expect(["24", "336", "7", undefined, ["1"]].map(spanOf)).toEqual([24, 336, 1, 1, 1]);
  });
});

describe("where one is", () => {
  const state = wallOf({
    districts: {
      d1: {
        id: "d1", name: "莱西市", schools: 1, on_air: 1, causes: {}, use_bps: 0, rooms: 0, viewers: 0,
        delay_ms: null, skew_ms: null, stalls: 0,
      },
    },
    schools: { a: school("a") },
    rooms: { r: room("r") },
    sessions: { l1: lesson("l1") },
  });
  const texts = (view: string, id: string) => pathTo(state, view, id).map((step) => step.text);

  it("is three steps from the city to a classroom, each of which leads back", () => {
    expect(texts("operations", "")).toEqual([]);
    expect(texts("operations-district", "d1")).toEqual(["", "莱西市"]);
    expect(texts("operations-school", "a")).toEqual(["", "莱西市", "学校a"]);
    expect(texts("operations-room", "r")).toEqual(["", "莱西市", "学校a", "教室r"]);
    expect(texts("operations-session", "l1")).toEqual(["", "课l1"]);
    expect(pathTo(state, "operations-room", "r").map((step) => step.to !== undefined)).toEqual([
      true, true, true, false,
    ]);
  });

  it("is the city's when the place is gone", () => {
    expect(texts("operations-room", "none")).toEqual([""]);
    expect(texts("operations-school", "none")).toEqual([""]);
  });
});

const text = (words: string) => ({ kind: "text" as const, text: words });
const code = (words: string) => ({ kind: "code" as const, text: words });

describe("runbooks", () => {
  const folder = "../../deploy/runbooks";
  const names = readdirSync(folder).filter((name) => name !== "README.md");

  it("come with the page, all of them", () => {
    expect([...BOOKS.keys()].sort()).toEqual(names.map((name) => name.replace(".md", "")).sort());
  });

  it.each(names)("%s is shown whole, in either language", (name) => {
    const text = readFileSync(`${folder}/${name}`, "utf8");
    for (const english of [false, true]) {
      const blocks = blocksOf(inLanguage(text, english));
      expect(blocks.filter((block) => block.kind === "heading")).toHaveLength(4);
      expect(blocks.filter((block) => block.kind === "code").length).toBeGreaterThan(0);
      expect(blocks.filter((block) => block.kind === "steps").length).toBeGreaterThan(0);
    }
    expect(word(`operations.alert.${name.replace(".md", "")}`)).toBeTruthy();
  });

  it("keep commands as they are and steps in one piece", () => {
    expect(blocksOf("# X\n\n## 确认\n\n    curl -sS `a`\n\n1. 看 `rung`\n   再看\n2. 完")).toEqual([
      { kind: "heading", text: "确认" },
      { kind: "code", text: "curl -sS `a`" },
      { kind: "steps", items: [[text("看 "), code("rung"), text(" 再看")], [text("完")]] },
    ]);
  });

  it("lead to each other, and keep what is typed as it is", () => {
    const said = "核对 `TONGBU_STORE_*` 和 TONGBU_STORE_*；**先**按DiskFull处理，不是 DiskFuller";
    expect(blocksOf(said, ["DiskFull"])).toEqual([{ kind: "text", pieces: [
      text("核对 "), code("TONGBU_STORE_*"), text(" 和 TONGBU_STORE_*；先按"), { kind: "book", text: "DiskFull" },
      text("处理，不是 DiskFuller"),
    ] }]);
  });

  it("lead to pages once it is known whose", () => {
    const said = "打开 `/studio/课堂编号`，`/operations`";
    expect(blocksOf(said)).toEqual([{ kind: "text", pieces: [
      text("打开 "), code("/studio/课堂编号"), text("，"), { kind: "page", text: "/operations" },
    ] }]);
    expect(blocksOf(addressed(said, { session: "0a-1" }))[0]).toMatchObject({
      pieces: [{}, { kind: "page", text: "/studio/0a-1" }, {}, {}],
    });
    const both = "`/studio/ID` `/operations/schools/编号`";
    expect(addressed(both, { session: "x", school: "y" })).toBe("`/studio/x` `/operations/schools/y`");
    expect(addressed(both, {})).toBe(both);
  });

  it("lead from the store to its full disk, in either language", () => {
    const book = BOOKS.get("StoreAway") ?? "";
    for (const english of [false, true]) {
      const blocks = blocksOf(inLanguage(book, english), BOOKS.keys());
      const pieces = blocks.flatMap((block) => (block.kind === "steps" ? block.items.flat() : []));
      expect(pieces).toContainEqual({ kind: "book", text: "DiskFull" });
    }
  });

  it("say what their commands are addressed to", () => {
    const both = 'curl "$ORIGIN/readyz" "${BOX:-http://127.0.0.1:8080}/edge/status"';
    expect(addressesOf(both, "https://tongbu.example")).toEqual([
      { name: "ORIGIN", line: "export ORIGIN=http://127.0.0.1:8080", note: "server" },
      { name: "BOX", line: "export BOX=http://192.168.1.20:8080", note: "unknown" },
    ]);
    expect(addressesOf(both, "http://10.1.2.3:8080", "http://10.9.0.7:8080")).toEqual([
      { name: "ORIGIN", line: "export ORIGIN=http://10.1.2.3:8080", note: "here" },
      { name: "BOX", line: "export BOX=http://10.9.0.7:8080", note: "box" },
    ]);
    expect(addressesOf("df -h", "https://tongbu.example")).toEqual([]);
    const named = (book: string) => addressesOf(BOOKS.get(book) ?? "", "http://a").map((one) => one.name);
    expect([named("DatabaseAway"), named("LineThin")]).toEqual([["ORIGIN"], ["BOX"]]);
    expect(boxUrlOf([{ names: ["box.edge.tongbu.example", "10.9.0.7"] }])).toBe("http://10.9.0.7:8080");
    expect(boxUrlOf([{ names: ["box.edge.tongbu.example"] }])).toBe("http://box.edge.tongbu.example:8080");
    expect(boxUrlOf([])).toBe("");
  });
});
