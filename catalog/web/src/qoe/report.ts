/** A viewing's figures as POST /qoe takes them (streaming/qoe/README.md). Pure. */
import type { Figures } from "./viewing";

export type Delivery = "ws" | "ll-hls" | "hls";

/** Whose figures they are: a random name for the viewing, the lesson's or session's id. */
export interface Who {
  session: string;
  content: string;
  live: boolean;
}

export interface Report {
  id: string;
  [key: string]: unknown;
}

const LONGEST_MS = 600_000;
const MOST_EVENTS = 1000;
const MOST_KBPS = 1_000_000;

export function reportOf(id: string, who: Who, delivery: Delivery, figures: Figures): Report {
  const { joinMs, kbps } = figures;
  return {
    id,
    cmcd: {
      v: 1,
      sid: who.session,
      cid: who.content,
      st: who.live ? "l" : "v",
      sf: delivery === "ws" ? "o" : "h",
      ...(kbps === undefined ? {} : { br: whole(kbps, MOST_KBPS) }),
      ...(figures.rebuffers > 0 ? { bs: true } : {}),
    },
    delivery,
    ...(joinMs === undefined ? {} : { join_ms: whole(joinMs, LONGEST_MS) }),
    play_ms: whole(figures.playMs, LONGEST_MS),
    rebuffer_ms: whole(figures.rebufferMs, LONGEST_MS),
    rebuffers: whole(figures.rebuffers, MOST_EVENTS),
    rung_changes: whole(figures.rungChanges, MOST_EVENTS),
  };
}

/** Nothing happened: nobody needs to know. */
export function isEmpty(figures: Figures): boolean {
  return figures.joinMs === undefined && figures.playMs < 1 && figures.rebufferMs < 1;
}

function whole(value: number, most: number): number {
  return Math.round(Math.min(Math.max(value, 0), most));
}

/** A UUID; `crypto.randomUUID` is missing where a school's box is reached without HTTPS. */
export function newId(random: Uint8Array = crypto.getRandomValues(new Uint8Array(16))): string {
  const bytes = [...random];
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
