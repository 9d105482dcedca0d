/** A classroom's camera that the service pulls: where that stands, and why it was refused. Pure. */
import { ApiError } from "@/api/client";
import type { Phase } from "./phase";

/**
 * idle → asking → connecting ⇄ showing ⇄ away → idle; what follows the asking the room tells of the
 * main feed. Of another one it is only known that it was asked for.
 */
export type CameraState = "idle" | "asking" | "asked" | "connecting" | "showing" | "away";

export interface Refusal {
  key: "address" | "password" | "host" | "closed" | "early";
  host: string;
}

export function cameraState(asking: boolean, pulled: boolean, phase: Phase | undefined): CameraState {
  if (asking) return "asking";
  if (!pulled) return "idle";
  if (phase === undefined) return "asked";
  if (phase === "live") return "showing";
  return phase === "reconnecting" ? "away" : "connecting";
}

/** What is wrong in words of ours; undefined when the answer is about something else. */
export function refusalOf(error: unknown, url: string): Refusal | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const host = hostOf(url);
  if (error.status === 409) return { key: "early", host };
  if (error.status !== 422) return undefined;
  const field = error.fields["url"];
  if (field === undefined) return { key: "closed", host };
  if (field === "host") return { key: "host", host };
  return { key: field.includes("@") ? "password" : "address", host };
}

function hostOf(url: string): string {
  return /^rtsp:\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^/:?#]*)/i.exec(url)?.[1] ?? "";
}
