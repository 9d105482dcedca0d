/** Where a lesson stands for those who look at it. Pure. */
import type { SessionState } from "./api";
import type { RoomPhase } from "./room/state";

export type Phase = RoomPhase | "cancelled" | "failed";

const OVER: ReadonlySet<string> = new Set(["ended", "recorded", "cancelled", "failed"]);

/**
 * Once the room has been seen it is what counts, also while the line to it is broken; but what the
 * catalogue calls over is over, since the room of a lesson that never began is not told.
 */
export function phaseOf(session: SessionState | undefined, room: RoomPhase | undefined): Phase {
  if (room !== undefined && isOver(room)) return session === "failed" ? session : room;
  if (session !== undefined && isOver(session)) return session as Phase;
  const known = room ?? session;
  return known === undefined || known === "scheduled" ? "waiting" : (known as Phase);
}

export function isOver(phase: string): boolean {
  return OVER.has(phase);
}
