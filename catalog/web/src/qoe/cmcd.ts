/**
 * CMCD with the requests of hls.js, as headers: addresses stay the same for every viewer, so caches
 * and shared playlists keep working; only to our own origin, where headers need no preflight.
 *
 * What comes often says only what stays the same (the session): an origin that has read such a head
 * knows it again. Spec: CTA-5004 2.2, 3.
 */
import type { HlsConfig } from "hls.js";
import type { Who } from "./report";

export interface Values {
  br?: number | undefined;
  bl?: number | undefined;
  bs?: boolean | undefined;
  cid?: string | undefined;
  d?: number | undefined;
  mtp?: number | undefined;
  ot?: "v" | "a" | "av" | "i" | "m" | undefined;
  sf?: "h" | undefined;
  sid?: string | undefined;
  st?: "v" | "l" | undefined;
  su?: boolean | undefined;
}

const PLACES: readonly [header: string, keys: readonly (keyof Values)[]][] = [
  ["CMCD-Object", ["br", "d", "ot"]],
  ["CMCD-Request", ["bl", "mtp", "su"]],
  ["CMCD-Session", ["cid", "sf", "sid", "st"]],
  ["CMCD-Status", ["bs"]],
];
const TOUCH_S = 0.1;
const HUNDREDS = new Set<keyof Values>(["bl", "mtp"]);
const TOKENS = new Set<keyof Values>(["ot", "sf", "st"]);

/** The headers that say so; keys in the order of the alphabet, as the standard asks. */
export function headersOf(values: Values): [string, string][] {
  return PLACES.map(([header, keys]): [string, string] => [
    header,
    keys.map((key) => pair(key, values[key])).filter((text) => text !== "").join(","),
  ]).filter(([, text]) => text !== "");
}

function pair(key: keyof Values, value: Values[keyof Values]): string {
  if (value === undefined || value === false) return "";
  if (value === true) return key;
  if (typeof value === "number") {
    return `${key}=${HUNDREDS.has(key) ? Math.round(value / 100) * 100 : Math.round(value)}`;
  }
  return TOKENS.has(key) ? `${key}=${value}` : `${key}="${value.replace(/["\\]/g, "\\$&")}"`;
}

/** What the player knows of itself at the moment. */
export interface Now {
  kbps: number | undefined;
  aheadMs: number;
  throughputKbps: number;
  starved: boolean;
  started: boolean;
}

/** The same, of a video and what its level and line are said to carry. */
export function nowOf(video: HTMLVideoElement, bps: number | undefined, lineBps: number): Now {
  const at = video.currentTime;
  let end = at;
  for (let index = 0; index < video.buffered.length; index += 1) {
    if (video.buffered.start(index) <= at + TOUCH_S) end = Math.max(end, video.buffered.end(index));
  }
  return {
    kbps: bps && bps / 1000,
    aheadMs: (end - at) * 1000,
    throughputKbps: lineBps / 1000,
    starved: video.readyState === 2 && !video.paused && !video.seeking,
    started: video.played.length > 0,
  };
}

export type XhrSetup = NonNullable<HlsConfig["xhrSetup"]>;
interface Asked {
  frag?: { duration: number; sn: number | "initSegment"; type: string };
  part?: object | null;
}

/** For hls.js's configuration. */
export function cmcdSetup(who: Who, now: () => Now, ours = location.origin): XhrSetup {
  const session: Values = {
    cid: who.content, sid: who.session, sf: "h", st: who.live ? "l" : "v",
  };
  return (xhr, url, context) => {
    if (new URL(url, ours).origin !== ours) return;
    if (xhr.readyState === 0) xhr.open("GET", url, true);
    const { frag, part } = context as Asked;
    const own = frag && !part ? ofFragment(frag, now()) : {};
    for (const [name, text] of headersOf({ ...session, ...own })) xhr.setRequestHeader(name, text);
  };
}

function ofFragment(frag: NonNullable<Asked["frag"]>, now: Now): Values {
  if (frag.sn === "initSegment") return { ot: "i" };
  return {
    br: now.kbps,
    d: frag.duration * 1000,
    ot: frag.type === "audio" ? "a" : "v",
    bl: now.aheadMs,
    mtp: now.throughputKbps || undefined,
    bs: now.starved,
    su: !now.started,
  };
}
