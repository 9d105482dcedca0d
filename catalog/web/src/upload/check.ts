/** What can be said of a file before any of it is sent: its size, the room for it, what it is. */
import type { Reason } from "./queue";
import { HEAD_BYTES, noMedia } from "./sniff";

export interface Room {
  /** The most that one file may have; null while unknown. */
  fileBytes: number | null;
  /** What is left of the person's space. */
  leftBytes: number;
}

/** Why a file of this size is not taken; "" when its size is no reason. */
export function sizeReason(bytes: number, room: Room): Reason | "" {
  if (bytes === 0) return "empty";
  if (room.fileBytes !== null && bytes > room.fileBytes) return "tooLarge";
  return bytes > room.leftBytes ? "overQuota" : "";
}

/** Why this file is not taken by what is in it; "" when the server has to look. */
export async function contentReason(file: Blob): Promise<Reason | ""> {
  try {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    return noMedia(head, file.size <= HEAD_BYTES) ?? "";
  } catch {
    return "read";
  }
}

/** The server's refusals in the same words: its sentence names what it found. */
const SAID: readonly (readonly [sentence: RegExp, reason: Reason])[] = [
  [/is text, not/, "text"],
  [/is an archive/, "archive"],
  [/is a document/, "document"],
  [/is a picture/, "picture"],
  [/is a program/, "program"],
];

export function reasonOfRefusal(detail: string): Reason {
  return SAID.find(([sentence]) => sentence.test(detail))?.[1] ?? "notVideo";
}
