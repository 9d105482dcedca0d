import { describe, expect, it } from "vitest";
import { readRoom } from "@/live/room/messages";
import {
  applyChanges,
  applyHealth,
  EMPTY_ROOM,
  MOST_CHANGES,
  MOST_ENTRIES,
  openPoll,
  roomOf,
  sortedQuestions,
  type Room,
} from "@/live/room/state";
import { BadMessage } from "@/live/stream/messages";

const HAND = { name: "莱西市店埠镇中心小学 三年级一班", role: "classroom", at: 612.4 };
const question = (likes: number, at: number, answer: string | null = null) => ({
  member: "m9", name: "王同学", text: "为什么？", at, likes, answer, answered_at: answer ? at + 9 : null,
});

function after(...changes: unknown[]): Room {
  return applyChanges(EMPTY_ROOM, changes);
}

describe("the room", () => {
  it("is what a welcome says; what is damaged stays empty", () => {
    const room = roomOf({
      state: "live", began: 1795599000, hands: { m2: HAND }, members: [], chat: "open", fireworks: {},
    });
    expect(room.state).toBe("live");
    expect(room.began).toBe(1795599000);
    expect(Object.keys(room.hands)).toEqual(["m2"]);
    expect(room.members).toEqual({});
    expect(room.chat).toEqual({ open: true });
    expect(Object.keys(room).sort()).toEqual(Object.keys(EMPTY_ROOM).sort());
    expect(roomOf(null)).toEqual(EMPTY_ROOM);
  });

  it("puts, replaces and removes", () => {
    const room = after(
      { key: ["hands", "m2"], value: HAND },
      { key: ["hands", "m5"], value: { ...HAND, at: 700 } },
      { key: ["counts"], value: { teacher: 1, speaker: 0, classroom: 2, viewer: 9 } },
      { key: ["chat"], value: { open: false } },
      { key: ["hands", "m2"], value: null },
      { key: ["state"], value: "live" },
      { key: ["lesson"], value: "L1" },
    );
    expect(Object.keys(room.hands)).toEqual(["m5"]);
    expect([room.counts.viewer, room.chat.open, room.state, room.lesson]).toEqual([9, false, "live", "L1"]);
  });

  it("leaves the room before it and its untouched parts alone", () => {
    const before = after({ key: ["hands", "m2"], value: HAND });
    const room = applyChanges(before, [{ key: ["hands", "m2"], value: null }]);
    expect(Object.keys(before.hands)).toEqual(["m2"]);
    expect(room.hands).toEqual({});
    expect(room.members).toBe(before.members);
    expect(EMPTY_ROOM.hands).toEqual({});
  });

  it("keeps the order in which hands were raised", () => {
    const changes = ["m7", "m2", "m31"].map((id) => ({ key: ["hands", id], value: HAND }));
    expect(Object.keys(after(...changes).hands)).toEqual(["m7", "m2", "m31"]);
  });

  it("takes a whole part and a change of it in one message", () => {
    const room = after(
      { key: ["hands", "m1"], value: HAND },
      { key: ["hands"], value: { m2: HAND } },
      { key: ["hands", "m3"], value: HAND },
    );
    expect(Object.keys(room.hands)).toEqual(["m2", "m3"]);
  });

  it.each([
    ["no list", { key: "hands", value: 1 }],
    ["a path into nothing", { key: ["nothing", "m1"], value: HAND }],
    ["too deep a path", { key: ["hands", "m1", "at"], value: 1 }],
    ["a hand that is a number", { key: ["hands", "m1"], value: 5 }],
    ["a part of another kind", { key: ["hands"], value: "all" }],
    ["a prototype", { key: ["hands", "__proto__"], value: { polluted: true } }],
    ["an inherited name", { key: ["constructor", "x"], value: {} }],
    ["nothing", null],
    ["an empty path", { key: [], value: {} }],
  ])("passes over %s", (_, change) => {
    expect(after(change)).toEqual(EMPTY_ROOM);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(applyChanges(EMPTY_ROOM, change)).toBe(EMPTY_ROOM);
  });

  it("is bounded", () => {
    const many = Array.from({ length: MOST_CHANGES + 5 }, (_, n) => ({
      key: ["messages", `c${n}`], value: { text: "好" },
    }));
    let room = after(...many);
    expect(Object.keys(room.messages).length).toBe(MOST_CHANGES);
    room = applyChanges(room, [{ key: ["messages", "one more"], value: { text: "好" } }]);
    expect(Object.keys(room.messages).length).toBe(MOST_ENTRIES);
    expect(room.messages["c0"]).toBeUndefined();
  });

  it("knows the poll that is open and which question is next", () => {
    const poll = { kind: "abcd", text: "", at: 1, open: false, counts: {} };
    const room = after(
      { key: ["polls", "p1"], value: poll },
      { key: ["polls", "p2"], value: { ...poll, open: true } },
      { key: ["questions", "q1"], value: question(1, 10) },
      { key: ["questions", "q2"], value: question(5, 20) },
      { key: ["questions", "q3"], value: question(9, 5, "因为……") },
      { key: ["questions", "q4"], value: question(1, 8) },
    );
    expect(openPoll(room)?.[0]).toBe("p2");
    expect(openPoll(EMPTY_ROOM)).toBeUndefined();
    expect(sortedQuestions(room).map(([id]) => id)).toEqual(["q2", "q4", "q1", "q3"]);
  });

  it("keeps the wall's rows whole", () => {
    const row = { here: true, rung: "720p", delay_ms: 452 };
    const rows = applyHealth({}, { m2: row, m3: row, m4: "x" });
    expect(Object.keys(rows)).toEqual(["m2", "m3"]);
    expect(Object.keys(applyHealth(rows, { m2: null }))).toEqual(["m3"]);
    expect(applyHealth(rows, 5)).toEqual(rows);
  });
});

describe("what the room says", () => {
  it("welcomes", () => {
    const said = {
      type: "welcome", member: "m7", role: "classroom", now: 1795600000.5,
      rights: { hand: true }, you: { hand: true, votes: { p1: "C" }, likes: ["q1"] }, room: {},
    };
    expect(readRoom(JSON.stringify(said))).toEqual(said);
    const bare = { type: "welcome", member: "m7", role: "viewer", now: 1 };
    expect(readRoom(JSON.stringify(bare))).toMatchObject({
      rights: {}, you: { hand: false, votes: {}, likes: [] },
    });
  });

  it("keeps the common delay inside of what can be", () => {
    expect(readRoom('{"type":"target","d_ms":450}')).toEqual({ type: "target", d_ms: 450 });
    expect(readRoom('{"type":"target","d_ms":-5}')).toEqual({ type: "target", d_ms: 100 });
    expect(readRoom('{"type":"target","d_ms":9e9}')).toEqual({ type: "target", d_ms: 30000 });
  });

  it("answers pings, refuses, grants, tells of health and state", () => {
    expect(readRoom('{"type":"pong","t0":1,"t1":2,"t2":3}')).toEqual({ type: "pong", t0: 1, t1: 2, t2: 3 });
    expect(readRoom('{"type":"refused","to":null,"reason":"too_fast","why":"slower"}')).toEqual({
      type: "refused", to: null, reason: "too_fast", why: "slower",
    });
    expect(readRoom('{"type":"floor","key":"k"}')).toEqual({ type: "floor", key: "k" });
    expect(readRoom('{"type":"health","rooms":{},"viewers":{"reporting":3,"late":1}}')).toEqual({
      type: "health", rooms: {}, viewers: { reporting: 3, late: 1 },
    });
    expect(readRoom('{"type":"state","state":"recorded","lesson":"L"}')).toEqual({
      type: "state", state: "recorded", lesson: "L",
    });
    expect(readRoom('{"type":"line","up":false}')).toEqual({ type: "line", up: false });
    expect(readRoom('{"type":"news"}')).toEqual({ type: "other" });
  });

  it.each(["", "3", "[]", '{"type":"target"}', '{"type":"line"}', '{"type":"pong","t0":1,"t1":"2","t2":3}',
    '{"type":"state","state":"gone"}', '{"type":"welcome","member":"m","role":"king","now":1}'])(
    "refuses %s",
    (text) => {
      expect(() => readRoom(text)).toThrow(BadMessage);
    },
  );
});
