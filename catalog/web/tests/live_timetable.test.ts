import { describe, expect, it } from "vitest";
import { addressesOf, publishAddress } from "@/live/addresses";
import { choicesOf, shares } from "@/live/room/poll";
import { figure, wallRows } from "@/live/room/wall";
import { clashOf, readRefusal } from "@/live/timetable/clash";
import {
  boxes,
  cityClock,
  dayText,
  FIRST_HOUR,
  LAST_HOUR,
  minuteAt,
  minuteText,
  momentOf,
  momentOfText,
  placeOf,
  stretch,
  type Timed,
} from "@/live/timetable/week";

const WEEK = Date.parse("2026-11-23T00:00:00+08:00");
const at = (day: number, from: number, to: number, id = `${day}-${from}`): Timed => ({
  id, startsMs: momentOf(WEEK, day, from), endsMs: momentOf(WEEK, day, to),
});

describe("a week", () => {
  it("is the city's, wherever the device thinks it is", () => {
    expect(placeOf(WEEK, Date.parse("2026-11-25T00:30:00Z"))).toEqual({ day: 2, minute: 510 });
    expect(cityClock(new Date("2026-11-25T00:30:00Z"))).toBe("08:30");
    expect(dayText(WEEK, 2)).toBe("2026-11-25");
    expect([minuteText(510), minuteText(65)]).toEqual(["08:30", "01:05"]);
    expect(momentOfText("2026-11-25", "08:30")).toBe(momentOf(WEEK, 2, 510));
    expect(momentOfText("", "08:30")).toBeNaN();
  });

  it("shows what begins in it, each on its day", () => {
    const found = boxes([at(0, 480, 525), at(6, 600, 640), at(7, 480, 500), at(-1, 480, 500)], WEEK);
    expect(found.map((box) => [box.day, box.fromMin, box.toMin, box.lanes])).toEqual([
      [0, 480, 525, 1], [6, 600, 640, 1],
    ]);
  });

  it("puts what overlaps side by side, and goes back to one lane after it", () => {
    const found = boxes(
      [at(0, 480, 525, "a"), at(0, 500, 560, "b"), at(0, 530, 560, "c"), at(0, 560, 600, "d"), at(1, 500, 540, "e")],
      WEEK,
    );
    expect(found.map((box) => `${box.item.id}${box.lane}/${box.lanes}`)).toEqual([
      "a0/2", "b1/2", "c0/2", "d0/1", "e0/1",
    ]);
  });

  it("knows the minute under the pointer, on steps of five", () => {
    expect([minuteAt(-5, 840), minuteAt(92, 840), minuteAt(9000, 840), minuteAt(5, 0)]).toEqual([
      FIRST_HOUR * 60, 510, LAST_HOUR * 60, FIRST_HOUR * 60,
    ]);
  });

  it("books what was dragged, in either direction; a click books a usual lesson", () => {
    expect(stretch(480, 520)).toEqual({ fromMin: 480, toMin: 520 });
    expect(stretch(520, 480)).toEqual({ fromMin: 480, toMin: 520 });
    expect(stretch(480, 480)).toEqual({ fromMin: 480, toMin: 525 });
    expect(stretch(LAST_HOUR * 60, LAST_HOUR * 60)).toEqual({ fromMin: 1215, toMin: 1260 });
  });
});

describe("what is taken", () => {
  const other = { ...at(0, 480, 525, "x"), title: "勾股定理", uses: new Map([["r1", "三年级一班"]]) };
  const wanted = (from: number, to: number, room = "r1", id = "") => ({
    ...at(0, from, to, id), uses: new Map([[room, "三年级一班"]]),
  });

  it("is known while dragging", () => {
    expect(clashOf(wanted(500, 540), [other])).toEqual({ what: "三年级一班", title: "勾股定理" });
    expect(clashOf(wanted(525, 540), [other])).toBeUndefined();
    expect(clashOf(wanted(440, 480), [other])).toBeUndefined();
    expect(clashOf(wanted(500, 540, "r2"), [other])).toBeUndefined();
    expect(clashOf(wanted(500, 540, "r1", "x"), [other])).toBeUndefined();
  });

  it("is read from the server's sentence", () => {
    const detail =
      "莱西市店埠镇中心小学 三年级一班 is taken on 2026-11-25 at 08:30 by “勾股定理（一）” (01J); x is taken";
    expect(readRefusal(detail)).toEqual({
      kind: "clash", what: "莱西市店埠镇中心小学 三年级一班", day: "2026-11-25", time: "08:30", title: "勾股定理（一）",
    });
    expect(readRefusal("this service carries 8 pictures at once, and")).toEqual({ kind: "full", pictures: 8 });
    expect(readRefusal("")).toEqual({ kind: "other" });
    expect(readRefusal("x".repeat(1e5))).toEqual({ kind: "other" });
  });
});

describe("addresses of feeds", () => {
  const urls = {
    hls: "/live/S/multivariant.m3u8?token=T", stream: "/live/S/stream?token=T", room: "/live/S/room?token=T",
    second_hls: null, second_stream: null,
  };

  it("carry the token, for the floor too", () => {
    expect(addressesOf(urls, "main")).toEqual({ stream: urls.stream, hls: urls.hls });
    expect(addressesOf(urls, "floor")).toEqual({
      stream: "/live/S/stream?token=T&feed=floor", hls: "/live/S/floor/multivariant.m3u8?token=T",
    });
    const two = { ...urls, second_hls: "/h", second_stream: "/s" };
    expect(addressesOf(two, "second")).toEqual({ stream: "/s", hls: "/h" });
    expect(addressesOf({ ...urls, stream: "/live/S/stream" }, "floor").stream).toBe("/live/S/stream?feed=floor");
    expect(publishAddress("S", "floor", "a&b")).toBe("/live/S/publish?feed=floor&key=a%26b");
  });
});

describe("the wall", () => {
  const member = (name: string, change = {}) => ({
    role: "classroom" as const, name, device: "kiosk", here: true, late: false, ...change,
  });
  const invited = (school: string, name: string, part: "main" | "listening" = "listening") => ({
    id: school + name, name, part, school: { id: school, name: school },
  });

  it("shows trouble first and who is missing last", () => {
    const rows = wallRows(
      {
        m1: member("甲校 一班"), m2: member("乙校 二班", { late: true }), m3: member("丙校 三班", { here: false }),
        t1: member("王老师", { role: "teacher" }),
      },
      {},
      [invited("甲校", "一班"), invited("丁校", "四班"), invited("主校", "主讲教室", "main")],
    );
    expect(rows.map((row) => [row.name, row.state])).toEqual([
      ["丙校 三班", "away"], ["乙校 二班", "late"], ["甲校 一班", "fine"], ["丁校 四班", "absent"],
    ]);
  });
});

describe("a figure on the wall", () => {
  it("has a number once it was reported, and none before", () => {
    expect(figure("delay", 452)).toEqual(["wall.delay", { n: 452 }]);
    expect(figure("skew", -4)).toEqual(["wall.skew", { n: 4 }]);
    expect(figure("skew", null)).toEqual(["wall.skewUnknown", { n: 0 }]);
  });
});

describe("a poll", () => {
  it("shows shares of its choices", () => {
    const poll = { kind: "abcd" as const, text: "", at: 0, open: true, counts: { A: 3, C: 1, Z: 9 } };
    expect(shares(poll).map((row) => row.share)).toEqual([0.75, 0, 0.25, 0]);
    expect(shares({ ...poll, counts: {} }).map((row) => row.share)).toEqual([0, 0, 0, 0]);
    expect(choicesOf("truefalse")).toEqual(["true", "false"]);
  });
});
