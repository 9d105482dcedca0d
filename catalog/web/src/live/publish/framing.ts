/** One frame of the browser's publish WebSocket (transcoder/live/README.md). Pure. */

export const HEADER_BYTES = 9;
export const MOST_PICTURE_BYTES = 4 * 1024 * 1024;
export const MOST_SOUND_BYTES = 64 * 1024;

export type FrameKind = "key" | "delta" | "sound";

const CODES: Record<FrameKind, number> = { key: 1, delta: 2, sound: 3 };

/** `size` bytes stay to be filled from HEADER_BYTES on; undefined when it is too large to be taken. */
export function framed(kind: FrameKind, timestampUs: number, size: number): Uint8Array | undefined {
  if (size > (kind === "sound" ? MOST_SOUND_BYTES : MOST_PICTURE_BYTES)) return undefined;
  const whole = new Uint8Array(HEADER_BYTES + size);
  const view = new DataView(whole.buffer);
  view.setUint8(0, CODES[kind]);
  view.setBigUint64(1, BigInt(Math.max(0, Math.round(timestampUs))));
  return whole;
}

export type RefusedWhy = "key" | "busy" | "capacity" | "hello" | "tries" | "ended" | "away";

/** These pass by themselves: the publisher goes on trying. */
export const PASSING: ReadonlySet<string> = new Set<RefusedWhy>(["busy", "away"]);

export type PublishAnswer =
  | { type: "accepted" }
  | { type: "refused"; why: RefusedWhy }
  | { type: "stats"; videoBps: number; audioBps: number; fps: number; dropped: number; speed: number | null }
  | { type: "keyframe" }
  | { type: "ended"; why: string }
  | { type: "other" };

const WHYS: readonly RefusedWhy[] = ["key", "busy", "capacity", "hello", "tries", "ended", "away"];

/** What the server says to a publisher; whatever else it is, is `other`. */
export function readAnswer(text: string): PublishAnswer {
  const fields = fieldsOf(text);
  const figure = (name: string) => (typeof fields[name] === "number" ? fields[name] : 0);
  switch (fields["type"]) {
    case "accepted": return { type: "accepted" };
    case "keyframe": return { type: "keyframe" };
    case "ended": return { type: "ended", why: String(fields["why"] ?? "") };
    case "refused": {
      const why = WHYS.find((one) => one === fields["why"]) ?? "hello";
      return { type: "refused", why };
    }
    case "stats": return {
      type: "stats",
      videoBps: figure("video_bps"),
      audioBps: figure("audio_bps"),
      fps: figure("fps"),
      dropped: figure("dropped"),
      speed: typeof fields["speed"] === "number" ? fields["speed"] : null,
    };
    default: return { type: "other" };
  }
}

function fieldsOf(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
