/**
 * WebVTT as the pages need it: cues with plain text, chapters, and thumbnails in a sprite.
 * Styling, regions and positions are left to the browser's own captions.
 *
 * Spec: https://www.w3.org/TR/webvtt1/ sections 4.1 and 6.4.
 */

export interface Cue {
  start: number;
  end: number;
  text: string;
}

export interface Thumbnail {
  start: number;
  end: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const TIMING =
  /^((?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})[ \t]+-->[ \t]+((?:\d{2,}:)?[0-5]\d:[0-5]\d\.\d{3})/;
const TAG = /<[^>]*>/g;
const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&nbsp;": " ",
  "&lrm;": "",
  "&rlm;": "",
};
const MAX_CUES = 20_000;

export function parseTimestamp(text: string): number {
  const parts = text.split(":").map(Number);
  return parts.reduce((total, part) => total * 60 + part, 0);
}

/** Read the cues of a WebVTT text in order; blocks that are not cues are skipped. */
export function parseCues(vtt: string): Cue[] {
  const cues: Cue[] = [];
  for (const block of vtt.replace(/\r\n?/g, "\n").split(/\n{2,}/)) {
    if (cues.length >= MAX_CUES) break;
    const cue = cueOf(block.split("\n"));
    if (cue) cues.push(cue);
  }
  return cues.sort((a, b) => a.start - b.start);
}

function cueOf(lines: string[]): Cue | undefined {
  const at = lines.findIndex((line) => line.includes("-->"));
  if (at < 0 || at > 1) return undefined;
  const timing = TIMING.exec(lines[at] ?? "");
  if (!timing) return undefined;
  const [start, end] = [parseTimestamp(timing[1] ?? ""), parseTimestamp(timing[2] ?? "")];
  if (end <= start) return undefined;
  return { start, end, text: plain(lines.slice(at + 1).join("\n")) };
}

function plain(text: string): string {
  return text
    .replace(TAG, "")
    .replace(/&[a-z]+;/g, (entity) => ENTITIES[entity] ?? entity)
    .trim();
}

/** Read thumbnail cues "sprite-0.jpg#xywh=160,0,160,90"; addresses are resolved against `base`. */
export function parseThumbnails(vtt: string, base: string): Thumbnail[] {
  return parseCues(vtt).flatMap((cue) => {
    const cell = /^(\S+)#xywh=(?:pixel:)?(\d+),(\d+),(\d+),(\d+)$/.exec(cue.text);
    if (!cell) return [];
    const [x, y, width, height] = cell.slice(2).map(Number) as [number, number, number, number];
    const url = inheritQuery(new URL(cell[1] ?? "", base), new URL(base));
    return [{ start: cue.start, end: cue.end, url, x, y, width, height }];
  });
}

/** A token on the parent's address is carried on to the child when the child has none. */
function inheritQuery(child: URL, parent: URL): string {
  const token = parent.searchParams.get("token");
  if (token && child.origin === parent.origin && !child.searchParams.has("token")) {
    child.searchParams.set("token", token);
  }
  return child.href;
}

/** Index of the last item that starts at or before `time`, -1 when there is none. */
export function indexAt(items: readonly { start: number }[], time: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((items[middle]?.start ?? Infinity) <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
