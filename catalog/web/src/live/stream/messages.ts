/**
 * What the origin says on the WebSocket `stream` (streaming/live/README.md). Pure: text or bytes
 * in, a message out. Whatever is not as agreed raises BadMessage; no input is trusted.
 */

export const MOST_TEXT_CHARS = 64 * 1024;
export const MOST_BINARY_BYTES = 8 * 1024 * 1024;
export const MOST_RENDITIONS = 16;
export const HEADER_BYTES = 4;
const MOST_NAME_CHARS = 64;
const CODECS = /^[a-zA-Z0-9.]{2,40}$/;
const NAME = /^[A-Za-z0-9_-]{1,64}$/;
const MOST_TIMESCALE = 10_000_000;

export class BadMessage extends Error {}

export interface StreamRendition {
  id: number;
  name: string;
  media: "video" | "audio";
  codecs: string;
  timescale: number;
  width: number;
  height: number;
  bandwidth: number;
}

export type StreamState = "waiting" | "live" | "reconnecting" | "ended";

export interface Hello {
  type: "hello";
  session: string;
  feed: string;
  /** Unix seconds: the server's now, and media time 0. */
  now: number;
  anchor: number;
  renditions: StreamRendition[];
  /** Ids of what will be sent first; 0 for none. */
  video: number;
  audio: number;
}

export type TextMessage =
  | Hello
  | { type: "anchor"; anchor: number }
  | { type: "rung"; video: number; why: string }
  | { type: "state"; state: StreamState }
  | { type: "skipped"; frames: number }
  | { type: "other" };

export type MediaKind = "init" | "key" | "delta" | "sound";

export interface MediaMessage {
  rendition: number;
  kind: MediaKind;
  run: number;
  body: Uint8Array;
}

const KINDS: readonly MediaKind[] = ["init", "key", "delta", "sound"];
const STATES: readonly StreamState[] = ["waiting", "live", "reconnecting", "ended"];

type Fields = Record<string, unknown>;

export function readText(text: string): TextMessage {
  if (text.length > MOST_TEXT_CHARS) throw new BadMessage("the text is too long");
  const fields = objectOf(parsed(text));
  switch (fields["type"]) {
    case "hello": return helloOf(fields);
    case "anchor": return { type: "anchor", anchor: number(fields, "anchor") };
    case "rung": return { type: "rung", video: idOf(fields["video"]), why: text_(fields, "why") };
    case "state": return { type: "state", state: stateOf(fields["state"]) };
    case "skipped": return { type: "skipped", frames: Math.max(0, number(fields, "frames")) };
    default: return { type: "other" };
  }
}

export function readMedia(data: ArrayBuffer): MediaMessage {
  if (data.byteLength > MOST_BINARY_BYTES) throw new BadMessage("the fragment is too large");
  if (data.byteLength <= HEADER_BYTES + 8) throw new BadMessage("the fragment is cut short");
  const head = new DataView(data, 0, HEADER_BYTES);
  const kind = KINDS[head.getUint8(1)];
  if (!kind) throw new BadMessage(`no such kind: ${head.getUint8(1)}`);
  const rendition = head.getUint8(0);
  return { rendition, kind, run: head.getUint16(2), body: new Uint8Array(data, HEADER_BYTES) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadMessage("this is not JSON");
  }
}

function objectOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadMessage("an object was expected");
  }
  return value as Fields;
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new BadMessage(`${name}: number`);
  return value;
}

function text_(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value.slice(0, MOST_NAME_CHARS) : "";
}

function idOf(value: unknown): number {
  const id = value ?? 0;
  if (!Number.isInteger(id) || (id as number) < 0 || (id as number) > 255) {
    throw new BadMessage("a rendition's id is 1 to 255");
  }
  return id as number;
}

function stateOf(value: unknown): StreamState {
  const state = STATES.find((one) => one === value);
  if (!state) throw new BadMessage("no such state");
  return state;
}

function helloOf(fields: Fields): Hello {
  const list = fields["renditions"];
  if (!Array.isArray(list) || list.length > MOST_RENDITIONS) throw new BadMessage("renditions");
  const renditions = list.map((one) => renditionOf(objectOf(one)));
  if (new Set(renditions.map((one) => one.id)).size !== renditions.length) {
    throw new BadMessage("two renditions share an id");
  }
  return {
    type: "hello",
    session: text_(fields, "session"),
    feed: text_(fields, "feed"),
    now: number(fields, "now"),
    anchor: number(fields, "anchor"),
    renditions,
    video: idOf(fields["video"]),
    audio: idOf(fields["audio"]),
  };
}

function renditionOf(fields: Fields): StreamRendition {
  const { name, media, codecs } = fields;
  if (typeof name !== "string" || !NAME.test(name)) throw new BadMessage("a rendition's name");
  if (media !== "video" && media !== "audio") throw new BadMessage("a rendition's media");
  if (typeof codecs !== "string" || !CODECS.test(codecs)) throw new BadMessage("its codecs");
  const timescale = number(fields, "timescale");
  if (timescale < 1 || timescale > MOST_TIMESCALE) throw new BadMessage("its timescale");
  const size = (key: string) => (typeof fields[key] === "number" ? number(fields, key) : 0);
  return {
    id: idOf(fields["id"]),
    name,
    media,
    codecs,
    timescale,
    width: size("width"),
    height: size("height"),
    bandwidth: size("bandwidth"),
  };
}
