import { describe, expect, it } from "vitest";
import { ApiError, queryString } from "@/api/client";
import { apiQuery, inOrder, isPlain, readQuery, toggled, writeQuery } from "@/library/query";
import { bytes, cityDay, clock, day, roundLeft, weekStart } from "@/ui/format";
import { nearest, type Box } from "@/ui/spatial";
import { errorText, fieldText, lessonErrorText, wordFor } from "@/ui/words";

const key = (name: string) => name;

describe("the library's address", () => {
  it("survives the way there and back", () => {
    const query = readQuery({ q: " 分数 ", grade: "g3", sort: "plays", teacher: "王老师", x: "1" });
    expect(query).toEqual({ q: "分数", sort: "plays", teacher: "王老师", facets: { grade: "g3" } });
    expect(readQuery(writeQuery(query))).toEqual(query);
  });

  it("takes no nonsense", () => {
    const query = readQuery({ q: ["a", "b"], sort: "evil", stage: null, subject: "x".repeat(500) });
    expect(query.q).toBe("a");
    expect(query.sort).toBe("");
    expect(query.facets).toEqual({ subject: "x".repeat(200) });
  });

  it("adds, replaces and removes a facet", () => {
    const empty = readQuery({});
    const primary = toggled(empty, "stage", "primary");
    expect(toggled(primary, "stage", "junior").facets).toEqual({ stage: "junior" });
    expect(toggled(primary, "stage", "primary").facets).toEqual({});
    expect([isPlain(empty), isPlain(primary)]).toEqual([true, false]);
  });

  it("asks by relevance when searching, else for the newest", () => {
    expect(apiQuery(readQuery({}), 24)).toEqual({ sort: "newest", limit: 24 });
    expect(apiQuery(readQuery({ q: "圆" }), 24).sort).toBe("relevance");
  });
});

describe("numbers with units", () => {
  it("shows lengths", () => {
    expect([0, 65, 3723, NaN, -4].map(clock)).toEqual(["0:00", "1:05", "1:02:03", "0:00", "0:00"]);
  });

  it("shows sizes", () => {
    expect([0, 999, 1500, 2_400_000, 53_700_000_000].map((n) => bytes(n, "en"))).toEqual([
      "0 B",
      "999 B",
      "2 KB",
      "2.4 MB",
      "54 GB",
    ]);
  });

  it("shows what is left, coarsely", () => {
    expect(roundLeft(3)).toEqual({ unit: "s", value: 5 });
    expect(roundLeft(41)).toEqual({ unit: "s", value: 45 });
    expect(roundLeft(55)).toEqual({ unit: "min", value: 1 });
    expect(roundLeft(5400)).toEqual({ unit: "h", value: 1.5 });
  });

  it("shows days of the city, the year only when it is another", () => {
    const now = new Date("2026-11-23T12:00:00+08:00");
    expect(day("2026-09-01T00:30:00+08:00", "zh-CN", now)).toBe("9月1日");
    expect(day("2026-01-01T00:30:00+08:00", "zh-CN", now)).toBe("1月1日");
    expect(day("2025-09-01", "zh-CN", now)).toBe("2025年9月1日");
    expect(day("nonsense", "zh-CN", now)).toBe("");
  });

  it("counts days by the city's clock, not the device's", () => {
    const nights = ["2026-01-05T15:59:59Z", "2026-01-05T16:00:00Z"];
    expect(nights.map((night) => cityDay(new Date(night)))).toEqual(["2026-01-05", "2026-01-06"]);
  });

  it("begins the teaching week on the city's Monday", () => {
    const monday = new Date("2026-11-23T00:00:00+08:00");
    const days = ["2026-11-23T00:00:00", "2026-11-25T15:00:00", "2026-11-29T23:59:59"];
    for (const time of days) expect(weekStart(new Date(`${time}+08:00`))).toEqual(monday);
  });
});

describe("arrows of a remote", () => {
  const box = (column: number, row: number): Box => ({
    left: column * 100,
    right: column * 100 + 80,
    top: row * 100,
    bottom: row * 100 + 80,
  });
  const grid = [box(0, 0), box(1, 0), box(2, 0), box(0, 1), box(1, 1)];

  it("lead to the neighbour in that direction", () => {
    expect(nearest(box(1, 0), grid, "ArrowRight")).toBe(2);
    expect(nearest(box(1, 0), grid, "ArrowLeft")).toBe(0);
    expect(nearest(box(1, 0), grid, "ArrowDown")).toBe(4);
    expect(nearest(box(2, 0), grid, "ArrowDown")).toBe(4);
    expect(nearest(box(1, 0), [box(0, 1)], "ArrowUp")).toBe(-1);
  });
});

describe("answers in plain words", () => {
  it("by status", () => {
    expect(errorText(key, new ApiError(0, ""))).toBe("error.offline");
    expect(errorText(key, new ApiError(413, ""))).toBe("error.overQuota");
    expect(errorText(key, new ApiError(502, ""))).toBe("error.server");
    expect(errorText(key, new TypeError("x"))).toBe("error.unknown");
  });

  it("by field", () => {
    expect(fieldText(key, "Expected `str` of length >= 1")).toBe("fieldError.missing");
    expect(fieldText(key, "there is one of that name already")).toBe("fieldError.taken");
    expect(fieldText(key, "Expected `str` of length <= 200")).toBe("fieldError.long");
    expect(fieldText(key, "?")).toBe("fieldError.other");
  });

  it("by the lesson's code, also when it is new", () => {
    const has = (name: string) => name === "lessonError.truncated";
    expect(lessonErrorText(key, has, "truncated")).toBe("lessonError.truncated");
    expect(lessonErrorText(key, has, "../x")).toBe("lessonError.other");
  });

  it("by the vocabulary, then the server's label, then the value", () => {
    const has = (name: string) => name === "vocabulary.grade.g3";
    expect(wordFor(key, has, "grade", "g3")).toBe("vocabulary.grade.g3");
    expect(wordFor(key, has, "series", "s1", [{ value: "s1", label: "青快学" }])).toBe("青快学");
    expect(wordFor(key, has, "grade", "g77")).toBe("g77");
  });
});

describe("query strings", () => {
  it("leave out what is not set and repeat lists", () => {
    expect(queryString({ q: "分 数", a: "", b: null, mine: true, lesson: ["x", "y"] })).toBe(
      "?q=%E5%88%86+%E6%95%B0&mine=1&lesson=x&lesson=y",
    );
    expect(queryString({})).toBe("");
  });
});

describe("facets", () => {
  it("show grades from the youngest up, others as counted, nothing empty", () => {
    const values = ["g10", "", "g2", "g9"].map((value) => ({ value, label: value, count: 1 }));
    expect(inOrder("grade", values).map((item) => item.value)).toEqual(["g2", "g9", "g10"]);
    expect(inOrder("school", values).map((item) => item.value)).toEqual(["g10", "g2", "g9"]);
  });
});
