/**
 * Where the arrows of a five-key remote lead: from a box to the nearest one in that direction.
 * Distance along the direction counts once, across it three times. No DOM.
 */

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export type Direction = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

const ACROSS_WEIGHT = 3;
const OVERLAP_PX = 4;

function gaps(from: Box, to: Box, direction: Direction): { along: number; across: number } {
  const flat = direction === "ArrowLeft" || direction === "ArrowRight";
  const along = {
    ArrowLeft: from.left - to.right,
    ArrowRight: to.left - from.right,
    ArrowUp: from.top - to.bottom,
    ArrowDown: to.top - from.bottom,
  }[direction];
  const [a1, a2, b1, b2] = flat
    ? [from.top, from.bottom, to.top, to.bottom]
    : [from.left, from.right, to.left, to.right];
  return { along, across: Math.max(0, b1 - a2, a1 - b2) };
}

/** Index of the best candidate, -1 when nothing lies that way. */
export function nearest(from: Box, candidates: readonly Box[], direction: Direction): number {
  let best = -1;
  let bestCost = Infinity;
  candidates.forEach((box, index) => {
    const { along, across } = gaps(from, box, direction);
    if (along < -OVERLAP_PX) return;
    const cost = Math.max(0, along) + across * ACROSS_WEIGHT;
    if (cost < bestCost) [best, bestCost] = [index, cost];
  });
  return best;
}
