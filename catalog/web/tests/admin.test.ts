import { describe, expect, it } from "vitest";
import { bodyOfChange, bodyOfNew, emptyValues, missing, viewOf, VIEWS } from "@/admin/kinds";
import { placeFor, standing, timeline } from "@/admin/timeline";
import { actionsFor, filterOf, statesOf, withEvent } from "@/mine/states";
import type { Affiliation, LessonCard, Pair, School } from "@/api/types";

describe("things of the registry", () => {
  const district = { id: "d", name: "市南区" };
  const school: School = { id: "s", name: "一小", district, group: null, setting: "urban" };
  const view = viewOf("schools");

  it("are sent with places by id and nothing that is empty", () => {
    expect(bodyOfNew(view, { name: " 二小 ", district, group: null, setting: "rural" })).toEqual({
      name: "二小",
      district: "d",
      setting: "rural",
    });
  });

  it("send only what changed, an emptied place as null", () => {
    const before = view.read({ ...school, group: { id: "g", name: "集团" } } as never);
    expect(bodyOfChange(view, before, { ...before })).toEqual({});
    expect(bodyOfChange(view, before, { ...before, name: "三小", group: null })).toEqual({
      name: "三小",
      group: null,
    });
  });

  it("keep for life what the server keeps for life", () => {
    const pairs = viewOf("pairs");
    const pair: Pair = { id: "p", urban_school: school, rural_school: school, since: "2024-09-01", until: null };
    const before = pairs.read(pair as never);
    const now = { ...before, urban_school: { id: "x", name: "" }, until: "2027-07-01" };
    expect(bodyOfChange(pairs, before, now)).toEqual({ until: "2027-07-01" });
  });

  it("say at once what is missing", () => {
    expect(missing(view, emptyValues(view))).toEqual({
      name: "missing",
      district: "missing",
      setting: "missing",
    });
    expect(missing(view, view.read(school as never))).toEqual({});
  });

  it("are each found by their address, schools by any other", () => {
    for (const one of VIEWS) expect(viewOf(one.kind)).toBe(one);
    expect(viewOf("../x").kind).toBe("schools");
  });
});

describe("a person's roles", () => {
  function role(id: string, since: string, until: string | null): Affiliation {
    return { id, role: "teacher", school: null, district: null, classroom: null, since, until };
  }

  it("are dated: until is the first day that it no longer holds", () => {
    expect(standing(role("a", "2026-01-01", "2026-06-01"), "2026-05-31")).toBe("now");
    expect(standing(role("a", "2026-01-01", "2026-06-01"), "2026-06-01")).toBe("past");
    expect(standing(role("a", "2026-01-02", null), "2026-01-01")).toBe("future");
  });

  it("stand in the order of a life", () => {
    const items = [role("old", "2010-09-01", "2015-09-01"), role("older", "2005-09-01", "2010-09-01"),
      role("now", "2015-09-01", null), role("next", "2030-09-01", null)];
    expect(timeline(items, "2026-11-23").map((item) => item.id)).toEqual(["next", "now", "old", "older"]);
  });

  it("are held at a place of the right kind", () => {
    expect(["administrator", "district", "classroom", "teacher"].map(placeFor)).toEqual([
      "", "district", "classroom", "school",
    ]);
  });
});

describe("my lessons", () => {
  const lesson = { id: "L", state: "queued", progress: 0 } as LessonCard;

  it("are filtered by what a teacher asks", () => {
    expect(filterOf("failed")).toBe("failed");
    expect(filterOf(["x"])).toBe("all");
    expect(statesOf("working")).toContain("playable");
    expect(statesOf("all")).toEqual([]);
  });

  it("follow events about themselves only", () => {
    const event = { id: "L", state: "playable", progress: 0.5, eta_s: 9, error: null, generation: 1 } as const;
    expect(withEvent(lesson, event)).toMatchObject({ state: "playable", progress: 0.5 });
    expect(withEvent(lesson, { ...event, id: "M" })).toBe(lesson);
  });

  it("offer to stop only what is being worked on before it can be watched", () => {
    expect(actionsFor(lesson)).toContain("stop");
    expect(actionsFor({ ...lesson, state: "ready" })).not.toContain("stop");
  });
});
