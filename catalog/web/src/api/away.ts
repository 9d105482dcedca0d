/** Who does not answer when a request fails: nobody is taken for a guest because of it. */
import { ApiError } from "./client";

export type Away = "database" | "origin" | "line" | "trouble";

/** A proxy's word for an origin that gives it nothing. */
const NO_ORIGIN = new Set([502, 504]);
const HEALTH_LIMIT_MS = 3000;
const AGAIN_MS = 4000;

/** In how long to ask again: never in step with others. */
export const againMs = (): number => AGAIN_MS * (0.5 + Math.random());

/**
 * `lives`: whether the origin says that it is there, asked only when nothing else tells; one that
 * does, and cannot say who asks, waits for its database. undefined: this is an answer.
 */
export async function awayOf(
  error: unknown,
  lives: () => Promise<boolean> = isAlive,
): Promise<Away | undefined> {
  if (!(error instanceof ApiError)) return "trouble";
  if (error.lineDown) return "line";
  if (error.status === 503) return "database";
  if (error.offline) return (await lives()) ? "database" : "origin";
  if (NO_ORIGIN.has(error.status)) return "origin";
  return error.status >= 500 || error.status === 429 ? "trouble" : undefined;
}

async function isAlive(): Promise<boolean> {
  try {
    return (await fetch("/healthz", { signal: AbortSignal.timeout(HEALTH_LIMIT_MS) })).ok;
  } catch {
    return false;
  }
}
