/**
 * Words of the WebSocket `room` (streaming/room/README.md): what is said, what is answered. Pure.
 */
import { BadMessage } from "../stream/messages";
import type { PollKind, RoomPhase, RoomRole } from "./state";

export const MOST_TEXT_CHARS = 500;
export const MOST_INCOMING_CHARS = 8 * 1024 * 1024;

/** The server gives this connection's place to a newer one of the same member: stay away. */
export const TAKEN_OVER = 4001;

export type Delivery = "ws" | "hls";
export type Device = "classroom" | "page" | "kiosk";

export interface Report {
  rung: string;
  delay_ms: number;
  skew_ms: number;
  stalls: number;
  buffer_ms: number;
  can_ms: number;
  error_ms: number;
  lowest: boolean;
}

export type Say =
  | { type: "join"; name?: string; device: Device; delivery: Delivery; client: string }
  | { type: "ping"; t0: number }
  | ({ type: "report" } & Report)
  | { type: "hand"; up: boolean }
  | { type: "grant"; member: string }
  | { type: "floor_end" }
  | { type: "ask"; text: string }
  | { type: "answer"; question: string; text: string }
  | { type: "like"; question: string }
  | { type: "poll_open"; kind: PollKind; text: string }
  | { type: "vote"; poll: string; choice: string }
  | { type: "poll_close"; poll: string }
  | { type: "chat"; text: string }
  | { type: "chat_open"; open: boolean }
  | { type: "notice"; text: string }
  | { type: "end" };

export type Right =
  | "hand"
  | "grant"
  | "floor_end"
  | "ask"
  | "answer"
  | "like"
  | "poll_open"
  | "vote"
  | "poll_close"
  | "chat"
  | "chat_open"
  | "notice"
  | "end";

export type Rights = Partial<Record<Right, boolean>>;

export interface You {
  hand: boolean;
  votes: Record<string, string>;
  likes: string[];
}

export type Heard =
  | { type: "welcome"; member: string; role: RoomRole; now: number; rights: Rights; you: You; room: unknown }
  | { type: "room"; changes: unknown }
  | { type: "target"; d_ms: number }
  | { type: "pong"; t0: number; t1: number; t2: number }
  | { type: "refused"; to: string | null; reason: string; why: string }
  | { type: "floor"; key: string }
  | { type: "health"; rooms: unknown; viewers: { reporting: number; late: number } | null }
  | { type: "state"; state: RoomPhase; lesson: string | null }
  /** Said by the box in a school while its line to the city is cut; a `welcome` ends it. */
  | { type: "line"; up: boolean }
  | { type: "other" };

type Fields = Record<string, unknown>;
const ROLES: readonly RoomRole[] = ["teacher", "speaker", "classroom", "viewer"];
const PHASES: readonly RoomPhase[] = ["waiting", "live", "reconnecting", "ended", "recorded"];
const LEAST_D_MS = 100;
const MOST_D_MS = 30_000;

/** Raises BadMessage on what is not as agreed; unknown types are `other`. */
export function readRoom(text: string): Heard {
  if (text.length > MOST_INCOMING_CHARS) throw new BadMessage("the text is too long");
  const fields = objectOf(parsed(text));
  switch (fields["type"]) {
    case "welcome": return welcomeOf(fields);
    case "room": return { type: "room", changes: fields["changes"] };
    case "target": return { type: "target", d_ms: targetOf(fields["d_ms"]) };
    case "pong": {
      const [t0, t1, t2] = ["t0", "t1", "t2"].map((name) => numberOf(fields[name]));
      return { type: "pong", t0: t0 ?? 0, t1: t1 ?? 0, t2: t2 ?? 0 };
    }
    case "refused": {
      const to = typeof fields["to"] === "string" ? fields["to"] : null;
      return { type: "refused", to, reason: textOf(fields["reason"]), why: textOf(fields["why"]) };
    }
    case "floor": return { type: "floor", key: textOf(fields["key"]) };
    case "health": return healthOf(fields);
    case "state": {
      const lesson = typeof fields["lesson"] === "string" ? fields["lesson"] : null;
      return { type: "state", state: oneOf(PHASES, fields["state"]), lesson };
    }
    case "line": return { type: "line", up: truthOf(fields["up"]) };
    default: return { type: "other" };
  }
}

function welcomeOf(fields: Fields): Heard {
  const you = isObject(fields["you"]) ? fields["you"] : {};
  return {
    type: "welcome",
    member: textOf(fields["member"]),
    role: oneOf(ROLES, fields["role"]),
    now: numberOf(fields["now"]),
    rights: isObject(fields["rights"]) ? (fields["rights"] as Rights) : {},
    you: {
      hand: you["hand"] === true,
      votes: isObject(you["votes"]) ? (you["votes"] as Record<string, string>) : {},
      likes: Array.isArray(you["likes"]) ? you["likes"].map(String) : [],
    },
    room: fields["room"],
  };
}

function healthOf(fields: Fields): Heard {
  const viewers = isObject(fields["viewers"]) ? fields["viewers"] : null;
  return {
    type: "health",
    rooms: fields["rooms"],
    viewers: viewers && {
      reporting: numberOf(viewers["reporting"] ?? 0),
      late: numberOf(viewers["late"] ?? 0),
    },
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadMessage("this is not JSON");
  }
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown): Fields {
  if (!isObject(value)) throw new BadMessage("an object was expected");
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new BadMessage("a number");
  return value;
}

function truthOf(value: unknown): boolean {
  if (typeof value !== "boolean") throw new BadMessage("true or false");
  return value;
}

function targetOf(value: unknown): number {
  return Math.max(LEAST_D_MS, Math.min(MOST_D_MS, numberOf(value)));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function oneOf<T extends string>(all: readonly T[], value: unknown): T {
  const found = all.find((one) => one === value);
  if (found === undefined) throw new BadMessage(`no such word: ${String(value).slice(0, 40)}`);
  return found;
}
