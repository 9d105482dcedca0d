/**
 * When a player that cannot hold the common delay leaves its rung by itself, and when it lets the
 * server choose again (streaming/room/README.md: down before late). Pure.
 */

export const DOWN_AFTER_S = 3;
export const UP_AFTER_S = 30;
/** D must be held with that much to spare before the way up is tried. */
export const SPARE_S = 0.1;
const SLACK_S = 0.03;

export class Rungs {
  private shortSince: number | undefined;
  private easySince: number | undefined;

  /** Once a second. "down" when it is not the lowest and D was not held for a while. */
  decide(now: number, canS: number | undefined, delayS: number, lowest: boolean): "down" | "up" | undefined {
    if (canS === undefined) return undefined;
    this.shortSince = canS > delayS + SLACK_S ? (this.shortSince ?? now) : undefined;
    this.easySince = canS < delayS - SPARE_S ? (this.easySince ?? now) : undefined;
    if (!lowest && held(this.shortSince, now, DOWN_AFTER_S)) {
      this.shortSince = now;
      return "down";
    }
    if (held(this.easySince, now, UP_AFTER_S)) {
      this.easySince = now;
      return "up";
    }
    return undefined;
  }
}

function held(since: number | undefined, now: number, forS: number): boolean {
  return since !== undefined && now - since >= forS;
}
