/** What a LivePlayer needs of a way of delivery; media times are those of its <video>. */

export type EngineKind = "ws" | "hls" | "native";

export interface EngineEvents {
  /** Media is on its way (again). */
  flowing(): void;
  /** This line is broken; it tries again by itself. */
  broken(): void;
  /** The main classroom is away, back, or has ended. */
  source(state: "live" | "reconnecting" | "ended" | "waiting"): void;
  rung(name: string): void;
  /** This way does not work here; another one may. */
  unusable(): void;
}

export interface Engine {
  readonly kind: EngineKind;
  /** Unix seconds of media time 0; undefined before it is known. */
  anchor(): number | undefined;
  /** Seconds of delay it could hold at this rung; undefined while unknown. */
  canS(): number | undefined;
  /** The same for most of what comes, where that is known. */
  usualS?(): number | undefined;
  /** Names of the pictures, best first. */
  rungs(): readonly string[];
  /** The one that plays; "" for sound alone or unknown. */
  current(): string;
  /** What comes needs of a line; 0 while unknown. */
  bps(): number;
  /** Whether it can be had without pictures. */
  soundAlone(): boolean;
  /** A picture's name, `auto` or `audio`; it holds over reconnects. */
  choose(name: string): void;
  /** Load whole segments instead of parts: a line of long round trips carries these. */
  bySegments?(on: boolean): void;
  /** Whether it has begun to look rarely for what comes, because nothing came. */
  drowsy?(): boolean;
  destroy(): void;
}

interface MediaSourceKind {
  new (): MediaSource;
  isTypeSupported(type: string): boolean;
}

const USUAL = 'video/mp4; codecs="avc1.42E01E"';

/** MediaSource, or what newer iPhones have in its place. */
export function mediaSourceKind(): MediaSourceKind | undefined {
  const place = window as unknown as Record<string, MediaSourceKind | undefined>;
  return place["MediaSource"] ?? place["ManagedMediaSource"];
}

export function playsByWebSocket(): boolean {
  return "WebSocket" in window && mediaSourceKind()?.isTypeSupported(USUAL) === true;
}
