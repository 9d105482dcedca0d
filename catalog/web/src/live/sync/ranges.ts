/** Which stretch of what is buffered counts: around the play head, or where it is to go. Pure. */

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

/**
 * The stretch a standing player goes on in: the one that holds `wanted`, else the first that begins
 * after it, else the newest.
 */
export function target(ranges: readonly Range[], wanted: number): Range | undefined {
  const holds = ranges.find((range) => wanted >= range.start && wanted < range.end - TOUCH_S);
  return holds ?? ranges.find((range) => range.start > wanted) ?? ranges.at(-1);
}
