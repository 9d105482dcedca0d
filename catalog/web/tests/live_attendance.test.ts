import { describe, expect, it } from "vitest";
import type { Attendance } from "@/api/types";
import { classroomRows, figuresOf, peopleRows } from "@/live/attendance";

const SCHOOL = { id: "s", name: "田野小学" };
const ABSENT = {
  first_seen: null, last_seen: null, present_s: 0, here: false, hands: 0, floors: 0, questions: 0, votes: 0,
};
const CAME = {
  ...ABSENT, first_seen: "2026-11-25T02:02:00Z", last_seen: "2026-11-25T02:40:00Z", present_s: 2279,
  hands: 2, questions: 1, votes: 3,
};
const NOTHING = { hands: 0, floors: 0, questions: 0, answered: 0, polls: 0, votes: 0, messages: 0 };

function attendance(changes: Partial<Attendance> = {}): Attendance {
  return {
    session: "x", title: "两位数乘法", state: "recorded", starts_at: "2026-11-25T02:00:00Z",
    began_at: "2026-11-25T02:00:30Z", lesson_s: 2400, classrooms: [], people: [], left_out: 0, guests: 0,
    counts: NOTHING, ...changes,
  };
}

describe("attendance", () => {
  it("lists who came before who did not, by the city's clock", () => {
    const rows = classroomRows(attendance({
      classrooms: [
        { id: "a", name: "一号教室", school: SCHOOL, part: "listening", ...ABSENT },
        { id: "b", name: "二号教室", school: SCHOOL, part: "listening", ...CAME },
        { id: "c", name: "外校教室", school: null, part: "", ...CAME },
      ],
    }));
    expect(rows.map((row) => [row.name, row.cameAt, row.minutes])).toEqual([
      ["田野小学 二号教室", "10:02", 38], ["外校教室", "10:02", 38], ["田野小学 一号教室", "", 0],
    ]);
    expect(rows[0]).toMatchObject({ hands: 2, questions: 1, votes: 3 });
  });

  it("lists people as they are told", () => {
    const people = ["王芳", "李强"].map((name) => ({ id: name, name, role: "viewer", ...CAME }));
    expect(peopleRows(attendance({ people })).map((row) => row.name)).toEqual(["王芳", "李强"]);
  });

  it("says the figures that there are", () => {
    expect(figuresOf(attendance({ lesson_s: 29 }))).toEqual([]);
    const classrooms = [
      { id: "a", name: "一号教室", school: SCHOOL, part: "listening", ...ABSENT },
      { id: "b", name: "二号教室", school: SCHOOL, part: "listening", ...CAME },
    ];
    const counts = { ...NOTHING, hands: 5, questions: 3, answered: 2, polls: 1 };
    expect(figuresOf(attendance({ classrooms, counts, guests: 8 }))).toEqual([
      ["attendance.lesson", { n: 40 }], ["attendance.rooms", { here: 1, all: 2 }],
      ["attendance.hands", { n: 5 }], ["attendance.questions", { n: 3, answered: 2 }],
      ["attendance.polls", { n: 1 }], ["attendance.guests", { n: 8 }],
    ]);
  });
});
