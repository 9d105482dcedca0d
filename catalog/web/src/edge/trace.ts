/** The line's use over the last two minutes, kept in the page, as lines of a picture. Pure. */

export const TRACE_MS = 120_000;
/** Answers further apart are no line: nobody knows what was between them. */
export const GAP_MS = 7000;
const LEAST_TOP_BPS = 1_000_000;
const SPARE = 1.1;

export interface Sample {
  atMs: number;
  bps: number;
}

export function added(trace: readonly Sample[], sample: Sample): Sample[] {
  return [...trace.filter((one) => one.atMs > sample.atMs - TRACE_MS), sample];
}

export function mostOf(trace: readonly Sample[]): number {
  return Math.max(0, ...trace.map((one) => one.bps));
}

/** What the picture's upper edge stands for: everything fits, and a quiet line looks quiet. */
export function topOf(trace: readonly Sample[], lineBps: number | null): number {
  return SPARE * Math.max(LEAST_TOP_BPS, lineBps ?? 0, mostOf(trace));
}

/** Points of each unbroken line, as SVG wants them, in a picture of that size. */
export function linesOf(
  trace: readonly Sample[], nowMs: number, topBps: number, width: number, height: number,
): string[] {
  const lines: string[][] = [];
  let before: Sample | undefined;
  for (const one of trace) {
    if (!before || one.atMs - before.atMs > GAP_MS) lines.push([]);
    const x = width * (1 - (nowMs - one.atMs) / TRACE_MS);
    const y = height * (1 - one.bps / topBps);
    lines.at(-1)?.push(`${x.toFixed(1)},${y.toFixed(1)}`);
    before = one;
  }
  return lines.filter((points) => points.length > 1).map((points) => points.join(" "));
}
