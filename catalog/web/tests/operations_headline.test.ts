/** Operations: the largest line, who does not answer, schools that are looked for. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { awayOf } from "@/api/away";
import { ApiError } from "@/api/client";
import type { AlertRow, CityRow, SchoolRow, SessionRow } from "@/api/types";
import { initialsOf, matching } from "@/operations/find";
import { ailing, DISK_SHARE, headlineOf, LATE_MS, STUCK_S } from "@/operations/headline";
import { applied, EMPTY, type WallState } from "@/operations/wall";
import { alert, CITY, evidence, lesson, school } from "./operations_rows";

const called = (name: string, kind: string, subject: string, severity = "critical"): AlertRow =>
  alert(name, { kind, subject, severity, title: subject });

function wall(
  more: { city?: Partial<CityRow>; schools?: SchoolRow[]; sessions?: SessionRow[]; alerts?: AlertRow[] },
): WallState {
  const byId = <T extends { id: string }>(rows: T[] = []) => Object.fromEntries(rows.map((row) => [row.id, row]));
  return applied(EMPTY, {
    version: 1, at: 100, whole: true, city: { ...CITY, ...more.city }, districts: {}, rooms: {},
    schools: byId(more.schools), sessions: byId(more.sessions),
    alerts: Object.fromEntries((more.alerts ?? []).map((row) => [row.name + row.subject, row])),
  });
}

const away = (name: string) => ({ checks: CITY.checks.map((one) => ({ ...one, up: one.name !== name })) });
const FINE = { mood: "air", alerts: [], workersGone: false, schools: 0, sessions: 0, others: 0 };

describe("the headline", () => {
  it.each<[string, Parameters<typeof wall>[0], Partial<ReturnType<typeof headlineOf>>]>([
    ["all is well", { schools: [school("a")], sessions: [lesson("l1")] }, {}],
    ["the database is away", { alerts: [called("DatabaseAway", "city", "")] },
      { mood: "broken", alerts: ["DatabaseAway"] }],
    ["it is away, and no alert is told to a school", { city: away("database") },
      { mood: "broken", alerts: ["DatabaseAway"] }],
    ["the store is away, told in both ways",
      { city: away("store"), alerts: [called("StoreAway", "city", "")] },
      { mood: "broken", alerts: ["StoreAway"] }],
    ["the disk is full", { city: { disk_free_bytes: 4 } }, { mood: "broken", alerts: ["DiskFull"] }],
    ["work stands still", { alerts: [called("JobsStuck", "city", "", "warning")] },
      { mood: "bad", alerts: ["JobsStuck"] }],
    ["the urgent first",
      { alerts: [called("JobsStuck", "city", "", "warning"), called("StoreAway", "city", "")] },
      { mood: "broken", alerts: ["StoreAway", "JobsStuck"] }],
    ["nobody transcodes", { city: { workers: 0 } }, { mood: "bad", workersGone: true }],
    ["nobody has said how many transcode", { city: { workers: null } }, {}],
    ["a school suffers, of which its alert tells",
      { schools: [school("a", { cause: "wifi", evidence: [evidence("wifi_some")] })],
        alerts: [called("RoomsLate", "school", "a", "warning")] },
      { mood: "bad", schools: 1 }],
    ["a school sees nothing",
      { schools: [school("a", { cause: "line", evidence: [evidence("box_untold")] }), school("b")] },
      { mood: "broken", schools: 1 }],
    ["a lesson without a school has no picture",
      { sessions: [lesson("l1", { cause: "encoder", evidence: [evidence("encoder_silent")] })],
        alerts: [called("EncoderStopped", "session", "l1")] },
      { mood: "broken", sessions: 1 }],
    ["its schools are counted, so that it is not counted again",
      { schools: [school("a", { cause: "encoder", evidence: [evidence("encoder_silent")], sessions: ["l1"] })],
        sessions: [lesson("l1", { cause: "encoder", evidence: [evidence("encoder_silent")] })] },
      { mood: "broken", schools: 1 }],
    ["an alert of what has no cause here",
      { alerts: [called("LineThin", "school", "gone", "warning")] }, { mood: "bad", others: 1 }],
  ])("%s", (_, given, expected) => {
    expect(headlineOf(wall(given))).toEqual({ ...FINE, ...expected });
  });

  it("has the limits of the service", () => {
    const alerts = readFileSync("../operations/alerts.py", "utf8");
    const verdict = readFileSync("../operations/verdict.py", "utf8");
    expect(Number(/^DISK_SHARE = ([\d.]+)$/m.exec(alerts)?.[1])).toBe(DISK_SHARE);
    expect(Number(/^STUCK_S = ([\d.]+)$/m.exec(alerts)?.[1])).toBe(STUCK_S);
    expect(1000 * Number(/^LATE_LOOP_S = ([\d.]+)$/m.exec(verdict)?.[1])).toBe(LATE_MS);
  });

  it("does not call work that has just come stuck", () => {
    const queue = { name: "lesson", waiting: 2, running: 0, oldest_s: STUCK_S - 1 };
    expect(ailing({ ...CITY, queues: [queue] })).toEqual([]);
    expect(ailing({ ...CITY, queues: [{ ...queue, oldest_s: STUCK_S }] })).toEqual(["queue"]);
    expect(ailing({ ...CITY, loop_late_ms: LATE_MS, disk_free_bytes: null })).toEqual(["loop"]);
  });
});

describe("who does not answer", () => {
  const alive = () => Promise.resolve(true);
  const dead = () => Promise.resolve(false);

  it.each<[string, unknown, () => Promise<boolean>, string | undefined]>([
    ["the database, by the origin's word", new ApiError(503, "the database does not answer now"), dead, "database"],
    ["the database, when the origin lives and cannot say who asks", new ApiError(0, ""), alive, "database"],
    ["the origin", new ApiError(0, ""), dead, "origin"],
    ["the origin, by a proxy's word", new ApiError(502, ""), alive, "origin"],
    ["the line, by a box's word", new ApiError(503, "the line to the city is down: try later"), alive, "line"],
    ["an origin with a fault", new ApiError(500, ""), alive, "trouble"],
    ["what is no answer at all", new TypeError("x"), alive, "trouble"],
    ["nobody: a guest was told so", new ApiError(401, ""), dead, undefined],
    ["nobody: who has no right was told so", new ApiError(403, ""), dead, undefined],
  ])("%s", async (_, error, lives, expected) => {
    expect(await awayOf(error, lives)).toBe(expected);
  });
});

describe("a school that is looked for", () => {
  const rows = [["店埠小学", "莱西市"], ["海滨小学", "市南区"], ["第二实验小学", "市南区"], ["A1 学校", "即墨区"]];
  const named = (typed: string) => matching(rows, typed, (row) => row).map(([name]) => name);

  it.each([
    ["", ["店埠小学", "海滨小学", "第二实验小学", "A1 学校"]],
    ["小学 市南", ["海滨小学", "第二实验小学"]],
    ["店埠", ["店埠小学"]],
    ["dbxx", ["店埠小学"]],
    ["SNQ", ["海滨小学", "第二实验小学"]],
    ["a1", ["A1 学校"]],
    ["没有", []],
  ])("by %j", (typed, expected) => {
    expect(named(typed)).toEqual(expected);
  });

  it("has the first letters of its pinyin", () => {
    expect(initialsOf("青岛市即墨区安娥路一五七号8")).toBe("qdsjmqaelywqh8");
  });
});
