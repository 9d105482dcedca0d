/** Operations: the wall as it changes, how it was, boxes. Opening the wall asks first, so that a
 * refusal is told as one. */
import { API, queryString, request } from "./client";
import type { Box, OperationsPast, Page, WallChange } from "./types";

export type PastKind = "city" | "district" | "school" | "session" | "room";

export function wallNow(signal: AbortSignal): Promise<WallChange> {
  return request<WallChange>("GET", "/operations", { signal });
}

/** The browser connects again by itself; each connection begins with everything. */
export function watchWall(onChange: (change: WallChange) => void): () => void {
  const source = new EventSource(`${API}/operations/events`);
  source.addEventListener("message", (message: MessageEvent<string>) => {
    onChange(JSON.parse(message.data) as WallChange);
  });
  return () => source.close();
}

export function pastOf(
  kind: PastKind,
  id: string,
  hours: number,
  signal: AbortSignal,
): Promise<OperationsPast> {
  return request("GET", `/operations/past${queryString({ kind, id, hours })}`, { signal });
}

export function boxesOf(school: string, signal: AbortSignal): Promise<Page<Box>> {
  return request("GET", `/edges${queryString({ school })}`, { signal });
}
