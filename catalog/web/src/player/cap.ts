/**
 * What a school's box lets its players choose of a lesson, asked for every few seconds
 * (deploy/edge_cap.py). The origin has no line to spare and says so at once: nothing is asked then.
 */
import { lineDown } from "@/api/client";

export const ASK_EVERY_MS = 3000;
const FIRST_LIMIT_MS = 1000;
const ANSWER_LIMIT_MS = 2500;
const REASONS = ["line", "ceiling", "lowest", "cached", "unknown"] as const;
const RENDITION = /\/([0-9a-z]{20})\/media\.m3u8/;

export type CapReason = (typeof REASONS)[number];

export interface Cap {
  /** Renditions by id; null: all of them. */
  rungs: ReadonlySet<string> | null;
  why: CapReason | null;
  lineUp: boolean;
}

export interface Rung {
  /** Address of its media playlist. */
  uri: string;
  height: number;
  bitrate: number;
}

/** What may be chosen: levels by their place in a list that rises. */
export interface Limits {
  highest: number;
  lowestBps: number;
  allowed: readonly boolean[];
}

/** Undefined for what no box says. */
export function readCap(value: unknown): Cap | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { line, rungs, why } = value as Record<string, unknown>;
  const reason = REASONS.find((one) => one === why) ?? null;
  const known = Array.isArray(rungs) && rungs.every((one) => typeof one === "string");
  if ((line !== "up" && line !== "down") || (rungs !== null && !known)) return undefined;
  return { rungs: known ? new Set(rungs as string[]) : null, why: reason, lineUp: line === "up" };
}

/** Undefined: no limits. Where nothing that is here may be chosen, the thinnest picture may. */
export function limitsOf(levels: readonly Rung[], cap: Cap | undefined): Limits | undefined {
  const rungs = cap?.rungs;
  if (!rungs) return undefined;
  const pictures = levels.map((level, index) => ({ ...level, index })).filter((one) => one.height > 0);
  const open = pictures.filter((one) => rungs.has(RENDITION.exec(one.uri)?.[1] ?? ""));
  const thinnest = [...pictures].sort((a, b) => a.bitrate - b.bitrate).slice(0, 1);
  const chosen = open.length ? open : thinnest;
  const places = new Set(chosen.map((one) => one.index));
  return {
    highest: Math.max(-1, ...places),
    lowestBps: Math.min(...chosen.map((one) => one.bitrate), Infinity),
    allowed: levels.map((level, index) => level.height === 0 || places.has(index)),
  };
}

/** The address that lists all pictures, for a player that keeps to the cap by itself. */
export function withAll(url: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}whole=1`;
}

/** Asks a box what may be chosen. */
export class CapWatch {
  private now: Cap | undefined;
  private timer = 0;
  private closed = false;

  constructor(private readonly lesson: string) {}

  get cap(): Cap | undefined {
    return this.now;
  }

  /** Ask once; true when a box answered. */
  async ask(limitMs = ANSWER_LIMIT_MS): Promise<boolean> {
    try {
      const address = `/edge/cap/${this.lesson}`;
      const answer = await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(limitMs) });
      const found = answer.status === 200 ? readCap(await answer.json()) : undefined;
      if (!found || this.closed) return false;
      this.now = found;
      lineDown.value = !found.lineUp;
      return true;
    } catch {
      // A box that is silent for a moment changes nothing.
      return false;
    }
  }

  /** Whether there is a box. */
  begin(): Promise<boolean> {
    return this.ask(FIRST_LIMIT_MS);
  }

  /** Go on asking until `close`; `told` hears of each answer. */
  follow(told: () => void): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => {
      void this.ask().then((answered) => {
        if (this.closed) return;
        if (answered) told();
        this.follow(told);
      });
    }, ASK_EVERY_MS);
  }

  close(): void {
    this.closed = true;
    window.clearTimeout(this.timer);
  }
}
