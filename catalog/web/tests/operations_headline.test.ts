/** Operations: the largest line, who does not answer, schools that are looked for. */
import { describe, expect, it } from "vitest";
import { awayOf } from "@/api/away";
import { ApiError } from "@/api/client";
import type { AlertRow, CityRow, SchoolRow, SessionRow } from "@/api/types";
import { initialsOf, matching } from "@/operations/find";
import { headlineOf } from "@/operations/headline";
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

const FINE = { mood: "air", alerts: [], workersGone: false, schools: 0, sessions: 0, others: 0 };

describe("the headline", () => {
  it.each<[string, Parameters<typeof wall>[0], Partial<ReturnType<typeof headlineOf>>]>([
    ["all is well", { schools: [school("a")], sessions: [lesson("l1")] }, {}],
    ["the database is away", { city: { firing: { DatabaseAway: "critical" } } },
      { mood: "broken", alerts: ["DatabaseAway"] }],
    ["an alert of it that is told is no other one",
      { city: { firing: { StoreAway: "critical" } }, alerts: [called("StoreAway", "city", "")] },
      { mood: "broken", alerts: ["StoreAway"] }],
    ["work stands still", { city: { firing: { JobsStuck: "warning" } } },
      { mood: "bad", alerts: ["JobsStuck"] }],
    ["two, in their order", { city: { firing: { StoreAway: "critical", JobsStuck: "warning" } } },
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
    ["its schools are not counted, too",
      { schools: [school("a", { cause: "encoder", evidence: [evidence("encoder_silent", "l1")], sessions: ["l1"] })],
        sessions: [lesson("l1", { cause: "encoder", evidence: [evidence("encoder_silent")] })] },
      { mood: "broken", sessions: 1 }],
    ["all suffer because the service is busy",
      { city: { firing: { LoopLate: "warning" } },
        schools: [school("a", { cause: "origin", evidence: [evidence("origin_busy")], sessions: ["l1"] })],
        sessions: [lesson("l1", { cause: "origin", evidence: [evidence("origin_busy")] })] },
      { mood: "bad", alerts: ["LoopLate"] }],
    ["an alert of what has no cause here",
      { alerts: [called("LineThin", "school", "gone", "warning")] }, { mood: "bad", others: 1 }],
  ])("%s", (_, given, expected) => {
    expect(headlineOf(wall(given))).toEqual({ ...FINE, ...expected });
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
