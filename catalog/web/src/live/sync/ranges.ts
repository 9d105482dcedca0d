/** Which stretch of what is buffered counts: around the play head, or where it is to go. Pure. */
import { JUMP_S } from "./controller";

export interface Range {
  start: number;
  end: number;
}

/** Ends of ranges are rounded differently by picture and sound. */
const TOUCH_S = 0.05;

export function rangesOf(list: TimeRanges): Range[] {
  return Array.from({ length: list.length }, (_, at) => ({
    start: list.start(at),
    end: list.end(at),
  }));
}

export function around(ranges: readonly Range[], at: number): Range | undefined {
  return ranges.find((range) => at >= range.start - TOUCH_S && at <= range.end + TOUCH_S);
}

/** Seconds that are buffered in front of the play head. */
export function aheadS({ buffered, currentTime }: HTMLVideoElement): number {
  const range = around(rangesOf(buffered), currentTime);
  return range ? Math.max(0, range.end - currentTime) : 0;
}

/**
 * The stretch that steering goes by: the one around the play head, but for a player that stands, or
 * that is so far off that it jumps anyway.
 */
export function steered(
  ranges: readonly Range[],
  at: number,
  wanted: number,
  standing: boolean,
): Range | undefined {
  const here = around(ranges, at);
  const leaves = here && Math.abs(wanted - at) >= JUMP_S && wanted > here.end;
  return standing || leaves ? target(ranges, wanted) : here;
}

/**
 * The stretch a standing player goes on in: the one that holds `wanted`, else the first that begins
 * after it, else the newest.
 */
export function target(ranges: readonly Range[], wanted: number): Range | undefined {
  const holds = ranges.find((range) => wanted >= range.start && wanted < range.end - TOUCH_S);
  return holds ?? ranges.find((range) => range.start > wanted) ?? ranges.at(-1);
}
