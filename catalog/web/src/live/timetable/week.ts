/**
 * A week of sessions as boxes on a grid: days across, minutes of the day down, in the city's time.
 * Pure: moments are Unix ms, days 0 (Monday) to 6, minutes since midnight.
 */

export const DAY_MS = 86_400_000;
export const CITY_AHEAD_MS = 8 * 3_600_000;
export const FIRST_HOUR = 7;
export const LAST_HOUR = 21;
export const STEP_MIN = 5;
export const LEAST_MIN = 10;
export const USUAL_MIN = 45;

export interface Timed {
  id: string;
  startsMs: number;
  endsMs: number;
}

export interface Box<T extends Timed> {
  item: T;
  day: number;
  fromMin: number;
  toMin: number;
  /** Beside how many others, and where. */
  lane: number;
  lanes: number;
}

/** "08:30" on the city's clock. */
export function cityClock(at: Date): string {
  return new Date(at.getTime() + CITY_AHEAD_MS).toISOString().slice(11, 16);
}

/** The moment of a minute of a day of the week that begins at `weekMs`. */
export function momentOf(weekMs: number, day: number, minute: number): number {
  return weekMs + day * DAY_MS + minute * 60_000;
}

/** Which day and minute of the week a moment is. */
export function placeOf(weekMs: number, atMs: number): { day: number; minute: number } {
  const since = atMs - weekMs;
  const day = Math.floor(since / DAY_MS);
  return { day, minute: Math.round((since - day * DAY_MS) / 60_000) };
}

/** Boxes of what lies in the week; those that overlap stand beside each other. */
export function boxes<T extends Timed>(items: readonly T[], weekMs: number): Box<T>[] {
  const placed = items
    .filter((item) => item.startsMs >= weekMs && item.startsMs < weekMs + 7 * DAY_MS)
    .map((item) => boxOf(item, weekMs))
    .sort((a, b) => a.day - b.day || a.fromMin - b.fromMin || b.toMin - a.toMin);
  let cluster: Box<T>[] = [];
  let end = -1;
  for (const box of placed) {
    if (box.day !== cluster[0]?.day || box.fromMin >= end) {
      spread(cluster);
      cluster = [];
      end = -1;
    }
    cluster.push(box);
    end = Math.max(end, box.toMin);
  }
  spread(cluster);
  return placed;
}

function boxOf<T extends Timed>(item: T, weekMs: number): Box<T> {
  const { day, minute } = placeOf(weekMs, item.startsMs);
  const length = Math.max(LEAST_MIN, (item.endsMs - item.startsMs) / 60_000);
  return { item, day, fromMin: minute, toMin: minute + length, lane: 0, lanes: 1 };
}

function spread<T extends Timed>(cluster: Box<T>[]): void {
  const ends: number[] = [];
  for (const box of cluster) {
    const free = ends.findIndex((end) => end <= box.fromMin);
    box.lane = free < 0 ? ends.length : free;
    ends[box.lane] = box.toMin;
  }
  for (const box of cluster) box.lanes = ends.length;
}

/** The minute of the day at a height of the grid, on a step of five minutes. */
export function minuteAt(offsetPx: number, heightPx: number): number {
  if (heightPx <= 0) return FIRST_HOUR * 60;
  const share = Math.max(0, Math.min(1, offsetPx / heightPx));
  const minute = FIRST_HOUR * 60 + share * (LAST_HOUR - FIRST_HOUR) * 60;
  return Math.round(minute / STEP_MIN) * STEP_MIN;
}

/** What a drag from one minute to another books; a mere click books a usual lesson. */
export function stretch(fromMin: number, toMin: number): { fromMin: number; toMin: number } {
  const [start, end] = fromMin <= toMin ? [fromMin, toMin] : [toMin, fromMin];
  const length = end - start < LEAST_MIN ? USUAL_MIN : end - start;
  const latest = LAST_HOUR * 60 - length;
  const begin = Math.max(FIRST_HOUR * 60, Math.min(start, latest));
  return { fromMin: begin, toMin: begin + length };
}

/** "2026-11-25" of a day of the week, as forms of the browser write it. */
export function dayText(weekMs: number, day: number): string {
  return new Date(weekMs + day * DAY_MS + CITY_AHEAD_MS).toISOString().slice(0, 10);
}

/** "08:30" of a minute of the day. */
export function minuteText(minute: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / 60))}:${two(Math.round(minute % 60))}`;
}

/** The moment that a form's day and time mean in the city; NaN when they mean none. */
export function momentOfText(day: string, time: string): number {
  return Date.parse(`${day}T${time}:00+08:00`);
}
