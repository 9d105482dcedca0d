/**
 * One page's place in a room: joins, keeps the clock by pings, holds the state, says what people do.
 * Comes back by itself; the same tab is the same member (`client`).
 */
import { Link, socketUrl } from "../stream/link";
import { BadMessage } from "../stream/messages";
import { ServerClock } from "../sync/clock";
import {
  readRoom,
  TAKEN_OVER,
  type Delivery,
  type Device,
  type Heard,
  type Report,
  type Rights,
  type Say,
  type You,
} from "./messages";
import { applyChanges, applyHealth, EMPTY_ROOM, roomOf, type Health, type Room, type RoomRole } from "./state";

export interface Refusal {
  to: string | null;
  reason: string;
}

export interface RoomEvents {
  /** Anything of `view` changed. */
  changed(): void;
  refused(refusal: Refusal): void;
  floorKey(key: string): void;
}

/** What pages show; a new object with each change. */
export interface RoomView {
  connected: boolean;
  /** The school's box is there, but its line to the city is cut. */
  lineDown: boolean;
  /** Another tab or device took this member's place. */
  takenOver: boolean;
  member: string;
  role: RoomRole;
  rights: Rights;
  you: You;
  room: Room;
  health: Record<string, Health>;
  viewers: { reporting: number; late: number } | null;
  /** The common delay D. */
  targetMs: number;
}

export const FIRST_TARGET_MS = 600;
export const EMPTY_VIEW: RoomView = {
  connected: false,
  lineDown: false,
  takenOver: false,
  member: "",
  role: "viewer",
  rights: {},
  you: { hand: false, votes: {}, likes: [] },
  room: EMPTY_ROOM,
  health: {},
  viewers: null,
  targetMs: FIRST_TARGET_MS,
};

const SILENT_MS = 7000;
const PING_EVERY_MS = 2000;
const FIRST_PINGS = 6;
const FIRST_PING_EVERY_MS = 120;
const KEY = "tongbu.client";

/** One name a tab: a reload is the same member, a second tab another one. */
export function tabName(storage: Storage): string {
  try {
    const known = storage.getItem(KEY);
    if (known) return known;
    const fresh = crypto.randomUUID?.() ?? `t${Math.random().toString(36).slice(2)}`;
    storage.setItem(KEY, fresh);
    return fresh;
  } catch {
    return `t${Math.random().toString(36).slice(2)}`;
  }
}

export class RoomClient {
  readonly clock = new ServerClock();
  view: RoomView = EMPTY_VIEW;
  private readonly link: Link;
  private pingTimer = 0;
  private pinged = 0;

  constructor(
    path: () => string,
    private readonly who: { device: Device; delivery: Delivery; name?: string },
    private readonly events: RoomEvents,
  ) {
    this.link = new Link(
      () => socketUrl(path()),
      {
        open: () => this.join(),
        text: (text) => this.heard(text),
        closed: (code) => this.lost(code),
      },
      { final: [TAKEN_OVER], silentMs: () => SILENT_MS },
    );
  }

  say(message: Say): boolean {
    const sent = this.link.send(JSON.stringify(message));
    if (sent) this.expect(message);
    return sent;
  }

  report(report: Report): void {
    if (this.view.connected) this.say({ type: "report", ...report });
  }

  /** The delivery changed (WebSocket would not work here): say so by joining again. */
  deliveredBy(delivery: Delivery): void {
    if (this.who.delivery === delivery) return;
    this.who.delivery = delivery;
    if (this.link.connected) this.join();
  }

  close(): void {
    window.clearTimeout(this.pingTimer);
    this.link.close();
  }

  private join(): void {
    this.say({ type: "join", client: tabName(sessionStorage), ...this.who });
    this.pinged = 0;
    this.ping();
  }

  private ping(): void {
    window.clearTimeout(this.pingTimer);
    if (!this.link.connected) return;
    this.link.send(JSON.stringify({ type: "ping", t0: performance.now() }));
    this.pinged += 1;
    const wait = this.pinged < FIRST_PINGS ? FIRST_PING_EVERY_MS : PING_EVERY_MS;
    this.pingTimer = window.setTimeout(() => this.ping(), wait);
  }

  private heard(text: string): void {
    const at = performance.now();
    try {
      this.take(readRoom(text), at);
    } catch (error) {
      if (!(error instanceof BadMessage)) throw error;
    }
  }

  private take(heard: Heard, at: number): void {
    switch (heard.type) {
      case "pong": return this.clock.take({ t0: heard.t0, t1: heard.t1, t2: heard.t2, t3: at });
      case "target": return this.put({ targetMs: heard.d_ms });
      case "floor": return this.events.floorKey(heard.key);
      case "refused": return this.refused(heard);
      case "welcome": return this.welcomed(heard);
      case "room": return this.put({ room: applyChanges(this.view.room, heard.changes) });
      case "health": return this.put({
        health: applyHealth(this.view.health, heard.rooms),
        viewers: heard.viewers ?? this.view.viewers,
      });
      case "state": {
        const lesson = heard.lesson ?? this.view.room.lesson;
        return this.put({ room: { ...this.view.room, state: heard.state, lesson } });
      }
      case "line": return this.put({ lineDown: !heard.up });
      case "other": return;
    }
  }

  private welcomed(heard: Heard & { type: "welcome" }): void {
    this.link.worked();
    const { member, role, rights, you } = heard;
    this.put({
      connected: true, lineDown: false, member, role, rights, you, room: roomOf(heard.room), health: {},
    });
  }

  private refused(heard: Heard & { type: "refused" }): void {
    if (heard.to === "hand") this.put({ you: { ...this.view.you, hand: false } });
    this.events.refused({ to: heard.to, reason: heard.reason });
  }

  private lost(code: number): void {
    this.put({ connected: false, lineDown: false, takenOver: code === TAKEN_OVER });
  }

  /** What we did ourselves is known before the room says it; a refusal takes it back. */
  private expect(message: Say): void {
    const you = this.view.you;
    if (message.type === "hand") this.put({ you: { ...you, hand: message.up } });
    if (message.type === "vote") {
      this.put({ you: { ...you, votes: { ...you.votes, [message.poll]: message.choice } } });
    }
    if (message.type === "like") this.put({ you: { ...you, likes: [...you.likes, message.question] } });
  }

  private put(change: Partial<RoomView>): void {
    this.view = { ...this.view, ...change };
    this.settleHand();
    this.events.changed();
  }

  /** A hand that was granted or taken down elsewhere is no longer up. */
  private settleHand(): void {
    const { you, member, room } = this.view;
    if (you.hand && room.floor.member === member && member) {
      this.view = { ...this.view, you: { ...you, hand: false } };
    }
  }
}
