/** How long to wait before the next try to connect: at once, then longer, never in step. Pure. */

export const FIRST_S = 0.25;
export const MOST_S = 8;

/** `tries` made so far without success; `chance` in 0..1 spreads a whole city's returns. */
export function waitS(tries: number, chance: number, mostS = MOST_S): number {
  if (tries <= 0) return 0;
  const full = Math.min(mostS, FIRST_S * 2 ** Math.min(tries - 1, 10));
  return full * (0.5 + chance / 2);
}
