/**
 * What the box in a school says of itself at /edge/status (deploy/edge_status.py). The reader is
 * strict: whatever is not as agreed raises BadStatus, so that no page shows half a truth.
 */
import { getJson } from "./client";

export const MOST_ITEMS = 1000;
const ADDRESS = "/edge/status";

export class BadStatus extends Error {}

type Reader<T> = (value: unknown, at: string) => T;

const text: Reader<string> = (value, at) => {
  if (typeof value !== "string") throw new BadStatus(`${at} is no text`);
  return value;
};

const flag: Reader<boolean> = (value, at) => {
  if (typeof value !== "boolean") throw new BadStatus(`${at} is neither true nor false`);
  return value;
};

const figure: Reader<number> = (value, at) => {
  if (typeof value !== "number" || !Number.isFinite(value)) throw new BadStatus(`${at} is no number`);
  return value;
};

const amount: Reader<number> = (value, at) => {
  if (figure(value, at) < 0) throw new BadStatus(`${at} is less than nothing`);
  return value as number;
};

const day: Reader<string> = (value, at) => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text(value, at))) throw new BadStatus(`${at} is no day`);
  return value as string;
};

const orNull = <T>(read: Reader<T>): Reader<T | null> =>
  (value, at) => (value === null ? null : read(value, at));

const oneOf = <T extends string>(...words: readonly T[]): Reader<T> => (value, at) => {
  const found = words.find((word) => word === value);
  if (found === undefined) throw new BadStatus(`${at} is none of ${words.join(", ")}`);
  return found;
};

const listOf = <T>(read: Reader<T>): Reader<T[]> => (value, at) => {
  if (!Array.isArray(value)) throw new BadStatus(`${at} is no list`);
  if (value.length > MOST_ITEMS) throw new BadStatus(`${at} has more than ${MOST_ITEMS} items`);
  return value.map((item, index) => read(item, `${at}.${index}`));
};

function fieldsOf(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BadStatus(`${at} is no object`);
  }
  return value as Record<string, unknown>;
}

const mapOf = <T>(read: Reader<T>): Reader<Record<string, T>> => (value, at) => {
  const all = Object.entries(fieldsOf(value, at));
  return Object.fromEntries(all.map(([name, item]) => [name, read(item, `${at}.${name}`)]));
};

const objectOf = <T extends object>(readers: { [K in keyof T]: Reader<T[K]> }): Reader<T> =>
  (value, at) => {
    const fields = fieldsOf(value, at);
    const names = Object.keys(readers) as (keyof T & string)[];
    return Object.fromEntries(
      names.map((name) => [name, readers[name](fields[name], `${at}.${name}`)]),
    ) as T;
  };

const readFinding = objectOf({
  code: text,
  level: oneOf("fine", "note", "warning", "trouble"),
  values: mapOf(figure),
});
const readRung = objectOf({ name: text, bps: amount, kept: flag, sound: flag, allowed: flag });
const readStream = objectOf({
  id: text,
  live: flag,
  title: text,
  viewers: amount,
  rungs: listOf(readRung),
  why: orNull(oneOf("all_fits", "line", "ceiling", "lowest", "cached", "unknown")),
});
const readKept = objectOf({ id: text, title: text, size_bytes: amount, pinned_until: orNull(day) });
const readPlanned = objectOf({ id: text, title: text, day, missing_bytes: amount });
const readWhole = objectOf({
  box: objectOf({ name: text, school: text, origin: text, version: text }),
  line: objectOf({
    up: flag,
    cut_s: orNull(amount),
    estimate_bps: orNull(amount),
    ceiling_bps: orNull(amount),
    reserve_bps: amount,
    room_bps: amount,
    use_bps: amount,
  }),
  streams: listOf(readStream),
  members: amount,
  cache: objectOf({
    state: oneOf("keeping", "full", "read_only", "failing", "closed"),
    size_bytes: amount,
    budget_bytes: amount,
    hits: amount,
    misses: amount,
  }),
  lessons: listOf(readKept),
  night: objectOf({
    start_min: orNull(amount),
    end_min: orNull(amount),
    at_work: flag,
    budget_bytes: amount,
    fetched_bytes: amount,
    left_out_bytes: amount,
    lessons: listOf(readPlanned),
  }),
  findings: listOf(readFinding),
});

export type EdgeStatus = ReturnType<typeof readWhole>;
export type EdgeStream = ReturnType<typeof readStream>;
export type EdgeRung = ReturnType<typeof readRung>;
export type Finding = ReturnType<typeof readFinding>;
export type Level = Finding["level"];
export type PlannedLesson = ReturnType<typeof readPlanned>;

/** Raises BadStatus. */
export function readStatus(value: unknown): EdgeStatus {
  return readWhole(value, "status");
}

/** Raises ApiError, BadStatus. */
export async function edgeStatus(signal: AbortSignal): Promise<EdgeStatus> {
  return readStatus(await getJson(ADDRESS, signal));
}
