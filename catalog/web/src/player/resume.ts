/** Where to go on watching. Kept in this browser only, a bounded number of lessons. */

export interface Mark {
  time: number;
  duration: number;
  at: number;
}

export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

const KEY = "tongbu.resume";
const KEPT_LESSONS = 200;
const TOO_EARLY_S = 10;
const TOO_LATE_S = 15;
const LATE_SHARE = 0.95;
export const SAVE_EVERY_S = 5;

/** Position worth going back to; 0 near the beginning and when it was seen to the end. */
export function resumeAt(mark: Mark | undefined): number {
  if (!mark || mark.time < TOO_EARLY_S) return 0;
  const late = Math.max(mark.duration * LATE_SHARE, mark.duration - TOO_LATE_S);
  return mark.duration > 0 && mark.time >= late ? 0 : mark.time;
}

function isMark(value: unknown): value is Mark {
  const mark = value as Mark | null;
  return (
    typeof mark === "object" &&
    mark !== null &&
    [mark.time, mark.duration, mark.at].every((part) => Number.isFinite(part))
  );
}

/** All marks; what is damaged is dropped without a word. */
export function readMarks(shelf: Shelf): Map<string, Mark> {
  try {
    const entries = Object.entries(JSON.parse(shelf.getItem(KEY) ?? "{}") as object);
    return new Map(entries.filter((entry): entry is [string, Mark] => isMark(entry[1])));
  } catch {
    return new Map();
  }
}

/** Remember one lesson; the oldest marks make room. A full or closed storage is not an error. */
export function saveMark(shelf: Shelf, lesson: string, mark: Mark): void {
  const marks = readMarks(shelf);
  marks.set(lesson, mark);
  const newest = [...marks].sort((a, b) => b[1].at - a[1].at).slice(0, KEPT_LESSONS);
  try {
    shelf.setItem(KEY, JSON.stringify(Object.fromEntries(newest)));
  } catch {
    shelf.removeItem(KEY);
  }
}
