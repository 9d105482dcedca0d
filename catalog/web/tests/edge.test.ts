/** The box in a school: its status read strictly, and said so that everybody understands it. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BadStatus, MOST_ITEMS, readStatus, type EdgeStatus, type Finding } from "@/api/edge";
import { checksOf, CODES, explain, verdictOf, type Measures } from "@/edge/diagnosis";
import { byDay, hourOf } from "@/edge/nights";
import { added, GAP_MS, linesOf, mostOf, topOf, TRACE_MS, type Sample } from "@/edge/trace";
import { nameKeyOf, qualitiesOf, sharedOf } from "@/edge/watched";

type Tree = { [name: string]: Tree | string };
type Json = Record<string, unknown>;

const text = readFileSync("tests/edge_status.json", "utf8");
const words = (name: string) => JSON.parse(readFileSync(`src/i18n/edge.${name}.json`, "utf8")) as Tree;
const chinese = words("zh-CN");

function word(key: string): string {
  const found = key.split(".").reduce<Tree | string | undefined>(
    (tree, name) => (typeof tree === "object" ? tree[name] : undefined), chinese,
  );
  if (typeof found !== "string") throw new Error(`no words for ${key}`);
  return found;
}

const say = ({ key, named }: { key: string; named: Record<string, string | number> }): string =>
  word(key).replace(/\{(\w+)\}/g, (_, name: string) => String(named[name] ?? "??"));

const measures: Measures = {
  rate: (bps) => `${bps / 1e6} 兆`,
  size: (bytes) => `${bytes / 1e9} GB`,
  span: (seconds) => `${seconds} 秒`,
};

const finding = (code: string, level: Finding["level"], values: Finding["values"] = {}): Finding => ({
  code, level, values,
});

/** The status of the file with one place of it changed. */
function changed(path: string, value: unknown): Json {
  const status = JSON.parse(text) as Json;
  const names = path.split(".");
  const last = names.pop() ?? "";
  const at = names.reduce((inner, name) => inner[name] as Json, status);
  at[last] = value;
  return status;
}

const withFindings = (...findings: Finding[]): EdgeStatus => ({
  ...readStatus(JSON.parse(text)), findings,
});

describe("the status", () => {
  it("is read as it was said, without what is not known here", () => {
    const status = readStatus(changed("box.colour", "blue"));
    expect(status).toEqual(JSON.parse(text));
    expect(readStatus(changed("line.estimate_bps", null)).line.estimate_bps).toBeNull();
  });

  it("may hold a finding of a later day", () => {
    const later = [{ code: "fan_stopped", level: "warning", values: { turns: 0 } }];
    expect(readStatus(changed("findings", later)).findings).toEqual(later);
  });

  it.each([
    ["box.name", 7], ["line.up", "yes"], ["line.use_bps", -1], ["line.room_bps", null],
    ["line.estimate_bps", "8"], ["streams", {}], ["streams.0.why", "moon"], ["streams.0.rungs.0.bps", NaN],
    ["streams.0.rungs.0.allowed", undefined], ["cache.state", "broken"], ["lessons.0.pinned_until", "soon"],
    ["night.lessons.0.day", "2026-1-1"], ["night.start_min", undefined], ["findings.0.level", "bad"],
    ["findings.0.values", [1]], ["findings.0.values.streams", "1"], ["members", undefined],
  ])("is refused where %s is %s", (path, value) => {
    expect(() => readStatus(changed(path, value))).toThrow(BadStatus);
  });

  it("is refused when it is none or has no end", () => {
    for (const value of [null, [], "fine", 3]) expect(() => readStatus(value)).toThrow(BadStatus);
    const lesson = { id: "k", title: "", size_bytes: 1, pinned_until: null };
    const full = Array.from({ length: MOST_ITEMS }, () => lesson);
    expect(readStatus(changed("lessons", full)).lessons.length).toBe(MOST_ITEMS);
    expect(() => readStatus(changed("lessons", [...full, lesson]))).toThrow(BadStatus);
  });

  it("says where it is wrong", () => {
    expect(() => readStatus(changed("streams.0.rungs.1.bps", "x"))).toThrow("status.streams.0.rungs.1.bps");
  });
});

describe("what was found", () => {
  const lines = (one: Finding) => {
    const { what, todo } = explain(one, measures);
    return [say(what), say(todo)];
  };

  it("is said with its figures and with what to do", () => {
    expect(lines(finding("line_cut", "trouble", { seconds: 75 }))).toEqual([
      "到市里的线路断了 75 秒。",
      "已下载的课照常能看，恢复后自动接上。请看路由器和光猫的灯、网线有没有松；超过十分钟没好，请给宽带运营商打电话。",
    ]);
    expect(lines(finding("line_low", "warning", { bps: 640_000 }))[0]).toBe("线路很慢，只有约 0.64 兆。");
    expect(lines(finding("cache_small", "note", { bytes: 3e9 }))[0]).toContain("还有 3 GB 的课放不下");
    expect(lines(finding("clock_unsure", "note", { ms: 2400 }))[0]).toContain("可能差 2.4 秒");
    expect(lines(finding("words_wait", "note", { messages: 3 }))[0]).toContain("有 3 条");
  });

  it("tells a certificate that ends from one that has ended", () => {
    expect(lines(finding("certificate_ends", "warning", { days: 9 }))[0]).toContain("还有 9 天到期");
    expect(lines(finding("certificate_ends", "trouble", { days: 0 }))[0]).toBe("盒子的安全证书过期了。");
    expect(lines(finding("certificate_ends", "trouble", { days: -2 }))[0]).toBe("盒子的安全证书过期了。");
  });

  it("is named as it is when it is new", () => {
    expect(lines(finding("fan_stopped", "warning"))[0]).toBe("盒子报告了一个新情况（fan_stopped）。");
  });

  it("has words for every code of the box, and every place of theirs is filled", () => {
    const all = { seconds: 6, bps: 1e6, streams: 2, bytes: 1e9, ms: 2500, days: 5, messages: 1 };
    for (const code of CODES) {
      for (const line of lines(finding(code, "note", all))) expect(line, code).not.toContain("??");
    }
  });

  it("covers the box's own table", () => {
    const source = readFileSync("../../streaming/edge/diagnosis.py", "utf8");
    const said = [...source.matchAll(/Finding\("(\w+)"|"(disk_\w+)"|code = "(\w+)" if|else "(capped)"/g)];
    const codes = said.flatMap((one) => one.slice(1)).filter((code) => code !== undefined);
    expect(codes.length).toBeGreaterThan(13);
    expect(codes.filter((code) => !(CODES as readonly string[]).includes(code))).toEqual([]);
  });
});

describe("the verdict", () => {
  const verdict = (...findings: Finding[]) => {
    const { level, says } = verdictOf(findings);
    return [level, say(says)];
  };

  it("is that of the worst, with how many there are", () => {
    expect(verdict(finding("fine", "fine"))).toEqual(["fine", "一切正常，放心上课"]);
    expect(verdict(finding("capped", "note"))).toEqual(["note", "可以正常上课，有 1 点说明"]);
    expect(verdict(finding("capped", "note"), finding("line_low", "warning"), finding("live_late", "warning")))
      .toEqual(["warning", "能上课，有 2 处要留意"]);
    expect(verdict(finding("disk_full", "trouble"))[1]).toBe("有 1 处出了问题，请照下面的办法处理");
    expect(verdict()).toEqual(["fine", "一切正常，放心上课"]);
  });

  it("is calm about a line that is cut, unless there is more", () => {
    const cut = finding("line_cut", "trouble", { seconds: 60 });
    expect(verdict(cut, finding("words_wait", "note"))).toEqual([
      "trouble", "到市里的线路断了，已下载的课照常能看",
    ]);
    expect(verdict(cut, finding("disk_failing", "trouble"))[1]).toContain("有 2 处出了问题");
  });
});

describe("the check", () => {
  const states = (status: EdgeStatus) =>
    Object.fromEntries(checksOf(status).map((check) => [check.name, check.state]));

  it("lists all that was looked at, each with a name and a sentence", () => {
    const checks = checksOf(withFindings(finding("fine", "fine")));
    expect(checks.map((check) => check.state)).toEqual(Array(10).fill("passed"));
    for (const { name } of checks) {
      expect(word(`edge.checkOf.${name}.name`)).not.toBe("");
      expect(word(`edge.checkOf.${name}.passed`)).not.toBe("");
    }
  });

  it("puts each finding where it belongs, and a new one at the end", () => {
    const status = withFindings(
      finding("disk_full", "trouble"), finding("line_too_thin", "warning"), finding("fan_stopped", "note"),
    );
    const found = checksOf(status).filter((check) => check.state === "found");
    expect(found.map((check) => [check.name, check.findings.map((one) => one.code)])).toEqual([
      ["speed", ["line_too_thin"]], ["disk", ["disk_full"]], ["other", ["fan_stopped"]],
    ]);
  });

  it("calls nothing good that cannot be told", () => {
    const status = withFindings(finding("line_cut", "trouble"));
    const cut = { ...status, line: { ...status.line, up: false, cut_s: 8 } };
    expect(states(cut)).toMatchObject({ line: "found", speed: "unsure", live: "unsure", disk: "passed" });
    const unmeasured = { ...status, line: { ...status.line, estimate_bps: null } };
    expect(states(unmeasured)).toMatchObject({ speed: "unsure", live: "passed" });
    expect([word("edge.checkOf.speed.unsure"), word("edge.checkOf.live.unsure")]).not.toContain("");
  });
});

describe("the trace of the line", () => {
  const every = (count: number, gapAfter = -1): Sample[] =>
    Array.from({ length: count }, (_, n) => ({
      atMs: 2000 * n + (n > gapAfter && gapAfter >= 0 ? GAP_MS : 0), bps: 1_000_000 * (n % 4),
    }));

  it("keeps two minutes", () => {
    const trace = every(200).reduce<Sample[]>((all, one) => added(all, one), []);
    expect(trace.length).toBe(TRACE_MS / 2000);
    expect(mostOf(trace)).toBe(3_000_000);
    expect(mostOf([])).toBe(0);
  });

  it("is drawn up to now, and not over what nobody saw", () => {
    const drawn = linesOf([{ atMs: 0, bps: 0 }, { atMs: 2000, bps: 4e6 }], 2000, 8e6, 240, 64);
    expect(drawn).toEqual(["236.0,64.0 240.0,32.0"]);
    expect(linesOf(every(10, 4), 25_000, 8e6, 240, 64).length).toBe(2);
    expect(linesOf(every(1), 0, 8e6, 240, 64)).toEqual([]);
  });

  it("has a top that holds the line, what was used, and at least something", () => {
    expect(topOf([], null)).toBeCloseTo(1.1e6);
    expect(topOf([], 8e6)).toBeCloseTo(8.8e6);
    expect(topOf([{ atMs: 0, bps: 9e6 }], 8e6)).toBeCloseTo(9.9e6);
  });
});

describe("what is watched", () => {
  const rung = (name: string, bps: number, more = {}) => ({
    name, bps, kept: false, sound: false, allowed: true, ...more,
  });

  it("is named as in the player, best first", () => {
    const all = qualitiesOf([
      rung("audio", 96_000, { sound: true }), rung("360p", 480_000), rung("1080p", 4_200_000, { allowed: false }),
      rung("720p", 2_100_000, { kept: true }), rung("strange", 5),
    ]);
    expect(all.map((one) => [one.key, one.named.n])).toEqual([
      ["player.grade.hd", 1080], ["player.grade.hd", 720], ["player.grade.smooth", 360],
      ["player.grade.audio", 0], ["edge.watched.asNamed", "strange"],
    ]);
    expect(all.map((one) => one.allowed)).toEqual([false, true, true, true, true]);
  });

  it("shares the best that comes over the line", () => {
    const shared = (...rungs: Parameters<typeof qualitiesOf>[0]) => sharedOf(qualitiesOf(rungs))?.named.n;
    const sound = rung("audio", 96_000, { sound: true });
    expect(shared(sound, rung("1080p", 4e6, { allowed: false }), rung("720p", 2e6))).toBe(720);
    expect(shared(sound, rung("1080p", 4e6, { kept: true }), rung("480p", 9e5))).toBe(480);
    expect(shared(sound, rung("1080p", 4e6, { kept: true }))).toBe(1080);
    expect(shared(sound, rung("360p", 4e5, { allowed: false }))).toBe(0);
    expect(shared()).toBeUndefined();
  });

  it("has a name even when the box knows no title", () => {
    const status = readStatus(JSON.parse(text));
    const names = ["live/s1/main", "live/s1/second", "live/s1/floor"].map((id) =>
      nameKeyOf({ ...status.streams[0]!, id }),
    );
    expect([...names, nameKeyOf(status.streams[1]!)].map(word)).toEqual([
      "同步课堂", "同步课堂，另一间主讲教室", "同步课堂，发言的教室", "没有名称的课",
    ]);
  });
});

describe("tonight's plan", () => {
  const lesson = (id: string, day: string) => ({ id, title: id, day, missing_bytes: 0 });

  it("goes by days of the city, the nearest first", () => {
    const lessons = [lesson("c", "2026-11-30"), lesson("a", "2026-11-26"), lesson("b", "2026-11-27")];
    const days = byDay([...lessons, lesson("d", "2026-11-27")], new Date("2026-11-25T16:30:00Z"));
    expect(days.map((one) => [one.day, one.when, one.lessons.map(({ id }) => id).join("")])).toEqual([
      ["2026-11-26", "today", "a"], ["2026-11-27", "tomorrow", "bd"], ["2026-11-30", "later", "c"],
    ]);
    expect(byDay([], new Date())).toEqual([]);
  });

  it("has hours as on a clock", () => {
    expect([0, 360, 1380, 1439, 1440].map(hourOf)).toEqual(["00:00", "06:00", "23:00", "23:59", "00:00"]);
  });
});
