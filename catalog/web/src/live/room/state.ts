/**
 * The room of a session as this page knows it: the whole state of a `welcome` and the changes after
 * it (streaming/room/README.md). Pure. What does not fit is passed over, never shown half.
 */

export type RoomRole = "teacher" | "speaker" | "classroom" | "viewer";
export type RoomPhase = "waiting" | "live" | "reconnecting" | "ended" | "recorded";
export type PollKind = "abcd" | "truefalse";

export interface Member {
  role: RoomRole;
  name: string;
  device: string;
  here: boolean;
  late: boolean;
}

export interface Hand {
  name: string;
  role: RoomRole;
  at: number;
}

export interface Floor {
  state: "free" | "held" | "away";
  member: string | null;
  name: string | null;
  at: number | null;
}

export interface Question {
  member: string;
  name: string;
  text: string;
  at: number;
  likes: number;
  answer: string | null;
  answered_at: number | null;
}

export interface Poll {
  kind: PollKind;
  text: string;
  at: number;
  open: boolean;
  counts: Record<string, number>;
}

export interface ChatMessage {
  member: string;
  name: string;
  role: RoomRole;
  text: string;
  at: number;
}

export interface Notice {
  name: string;
  text: string;
  at: number;
}

export interface Room {
  state: RoomPhase;
  began: number | null;
  lesson: string | null;
  counts: Record<RoomRole, number>;
  members: Record<string, Member>;
  hands: Record<string, Hand>;
  floor: Floor;
  questions: Record<string, Question>;
  polls: Record<string, Poll>;
  chat: { open: boolean };
  messages: Record<string, ChatMessage>;
  notices: Record<string, Notice>;
}

export interface Change {
  key: string[];
  value: unknown;
}

/** A row of the teacher's wall. */
export interface Health {
  here: boolean;
  delivery: "ws" | "hls";
  rung: string;
  /** Null before the first report. */
  delay_ms: number | null;
  skew_ms: number | null;
  stalls: number;
  buffer_ms: number;
  error_ms: number;
  can_ms: number;
  late: boolean;
}

export const EMPTY_ROOM: Room = {
  state: "waiting",
  began: null,
  lesson: null,
  counts: { teacher: 0, speaker: 0, classroom: 0, viewer: 0 },
  members: {},
  hands: {},
  floor: { state: "free", member: null, name: null, at: null },
  questions: {},
  polls: {},
  chat: { open: true },
  messages: {},
  notices: {},
};

/** Parts that are maps of things with ids; the others are put as a whole. */
const MAPS = new Set(["members", "hands", "questions", "polls", "messages", "notices"]);
export const MOST_CHANGES = 5000;
export const MOST_ENTRIES = 5000;

type Fields = Record<string, unknown>;

/** Give the room of a `welcome`; parts that are missing or damaged stay as in an empty room. */
export function roomOf(value: unknown): Room {
  const room = { ...EMPTY_ROOM } as unknown as Fields;
  if (!isObject(value)) return room as unknown as Room;
  for (const [name, part] of Object.entries(value)) {
    if (fits(name, part)) room[name] = part;
  }
  return room as unknown as Room;
}

/** Give the room after the changes; parts that did not change stay the same objects. */
export function applyChanges(room: Room, changes: unknown): Room {
  if (!Array.isArray(changes)) return room;
  const next = { ...room } as unknown as Fields;
  const fresh = new Set<string>();
  for (const change of changes.slice(0, MOST_CHANGES)) applyOne(next, change, fresh);
  for (const part of fresh) shorten(next, part);
  return next as unknown as Room;
}

function applyOne(room: Fields, change: unknown, fresh: Set<string>): void {
  if (!isObject(change) || !Array.isArray(change["key"])) return;
  const [part, name, ...more] = change["key"] as unknown[];
  if (typeof part !== "string" || more.length > 0) return;
  const value = change["value"];
  if (name === undefined) {
    if (fits(part, value)) room[part] = value;
    fresh.delete(part);
    return;
  }
  if (typeof name !== "string" || name === "__proto__" || !Object.hasOwn(EMPTY_ROOM, part)) return;
  const inner = room[part];
  if (!isObject(inner)) return;
  if (!fresh.has(part)) {
    room[part] = { ...inner };
    fresh.add(part);
  }
  put(room[part] as Fields, part, name, value);
}

function put(inner: Fields, part: string, name: string, value: unknown): void {
  if (value === null) delete inner[name];
  else if (!MAPS.has(part) || isObject(value)) inner[name] = value;
}

/** The oldest go: the server keeps far fewer. */
function shorten(room: Fields, part: string): void {
  const entries = Object.entries(room[part] as Fields);
  if (entries.length > MOST_ENTRIES) room[part] = Object.fromEntries(entries.slice(-MOST_ENTRIES));
}

function fits(part: string, value: unknown): boolean {
  if (!Object.hasOwn(EMPTY_ROOM, part)) return false;
  const like = EMPTY_ROOM[part as keyof Room];
  if (isObject(like)) return isObject(value);
  if (part === "state") return typeof value === "string";
  return value === null || typeof value === (part === "began" ? "number" : "string");
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Rows of the wall after a `health` message. */
export function applyHealth(
  rows: Readonly<Record<string, Health>>,
  changes: unknown,
): Record<string, Health> {
  const next = { ...rows };
  if (!isObject(changes)) return next;
  for (const [member, row] of Object.entries(changes)) {
    if (row === null) delete next[member];
    else if (isObject(row)) next[member] = row as unknown as Health;
  }
  return next;
}

/** The poll that is open, newest first; undefined when there is none. */
export function openPoll(room: Room): [string, Poll] | undefined {
  return Object.entries(room.polls).findLast(([, poll]) => poll.open);
}

/** Questions without an answer first (most liked first), then answered ones, newest first. */
export function sortedQuestions(room: Room): [string, Question][] {
  const all = Object.entries(room.questions);
  const open = all.filter(([, one]) => one.answer === null);
  const answered = all.filter(([, one]) => one.answer !== null);
  open.sort(([, a], [, b]) => b.likes - a.likes || a.at - b.at);
  return [...open, ...answered.sort(([, a], [, b]) => (b.answered_at ?? 0) - (a.answered_at ?? 0))];
}
