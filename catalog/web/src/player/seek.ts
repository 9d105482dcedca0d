/** Arithmetic of the seek bar and of moving in time. No DOM. */

export interface Span {
  start: number;
  end: number;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), Math.max(low, high));
}

/** Media time under a pointer `x` pixels from the bar's left edge. */
export function timeAt(x: number, width: number, duration: number): number {
  if (width <= 0 || duration <= 0) return 0;
  return clamp(x / width, 0, 1) * duration;
}

export function fraction(time: number, duration: number): number {
  return duration > 0 ? clamp(time / duration, 0, 1) : 0;
}

/** Left edge in pixels of a preview `box` wide that follows the pointer and stays in the bar. */
export function previewLeft(x: number, box: number, width: number): number {
  return clamp(x - box / 2, 0, width - box);
}

/** Seconds buffered in front of `time`, in the range that holds it. */
export function bufferedEnd(ranges: readonly Span[], time: number): number {
  const within = ranges.find((range) => range.start <= time + 0.1 && time <= range.end);
  return within ? within.end : time;
}

/**
 * How long the lesson is said to be. While it is being prepared the playlist grows: the bar then
 * shows the whole lesson and `available` marks how far it can be watched.
 */
export function timeline(
  known: number | null,
  playable: number,
): { duration: number; available: number } {
  const media = Number.isFinite(playable) && playable > 0 ? playable : 0;
  const duration = Math.max(known ?? 0, media);
  return { duration, available: Math.min(media, duration) };
}

/** Where a wish to be at `time` may lead: never beyond what can be watched. */
export function reachable(time: number, available: number, growing: boolean): number {
  const edge = growing ? Math.max(0, available - GROWING_MARGIN_S) : available;
  return clamp(time, 0, edge);
}

export const GROWING_MARGIN_S = 2;
export const SPEEDS = [0.75, 1, 1.25, 1.5, 2] as const;

export function nextSpeed(current: number, step: 1 | -1): number {
  const at = SPEEDS.findIndex((speed) => speed >= current - 0.001);
  const index = clamp((at < 0 ? SPEEDS.length - 1 : at) + step, 0, SPEEDS.length - 1);
  return SPEEDS[index] ?? 1;
}
