/** How it was, as lines and bands of a chart. Pure: no chart library is known here. */
import type { Cause, OperationsPast } from "@/api/types";
import { CAUSES } from "./wall";

export const SPANS = [1, 24, 168, 336] as const;
export type Span = (typeof SPANS)[number];

export function spanOf(text: unknown): Span {
  return SPANS.find((span) => String(span) === text) ?? 1;
}

/** Unix milliseconds and a value; null breaks the line. */
export type Spot = [number, number | null];

const MS = 1000;
const BREAK_STEPS = 2.5;

export function lineOf(past: OperationsPast, figure: string, scale = 1): Spot[] {
  const at = past.figures.indexOf(figure) + 1;
  const found: Spot[] = [];
  let before: number | undefined;
  for (const point of at > 0 ? past.points : []) {
    const seconds = point[0] ?? 0;
    if (before !== undefined && seconds - before > past.step_s * BREAK_STEPS) {
      found.push([(before + past.step_s) * MS, null]);
    }
    const value = point[at];
    found.push([seconds * MS, value === null || value === undefined ? null : value * scale]);
    before = seconds;
  }
  return found;
}

export const isKnown = (spots: readonly Spot[]): boolean => spots.some(([, value]) => value !== null);

export interface Band {
  cause: Cause;
  fromMs: number;
  toMs: number;
}

/** When which cause was named; neighbours of the same cause are one. */
export function bandsOf(past: OperationsPast): Band[] {
  const at = past.figures.indexOf("cause") + 1;
  const found: Band[] = [];
  for (const point of past.points) {
    const value = point[at];
    const cause = value === null || value === undefined ? undefined : CAUSES[Math.round(value)];
    if (!cause) continue;
    const fromMs = (point[0] ?? 0) * MS;
    const toMs = fromMs + past.step_s * MS;
    const last = found.at(-1);
    if (last && last.cause === cause && last.toMs >= fromMs) last.toMs = toMs;
    else found.push({ cause, fromMs, toMs });
  }
  return found;
}
