/**
 * The delay that this player keeps: the room's, or where its line is too slow for that its own. Pure;
 * seconds. It is late then, and the room knows, but its picture is whole.
 */

/** What is asked for beyond the common delay before a player leaves it. */
export const SLACK_S = 0.03;
/** A line that was slow is not trusted sooner. */
export const TRUST_AFTER_S = 30;
export const LONGEST_S = 8;

export class OwnDelay {
  private own = 0;
  private until = -Infinity;

  /** `canS`: the smallest delay that it could hold, as far as is known. */
  keep(now: number, commonS: number, canS: number | undefined): number {
    const needS = Math.min(canS ?? 0, LONGEST_S);
    if (needS > commonS + SLACK_S && needS >= this.own) {
      this.own = needS;
      this.until = now + TRUST_AFTER_S;
    } else if (now >= this.until) {
      this.own = needS > commonS + SLACK_S ? needS : 0;
    }
    return Math.max(commonS, this.own);
  }
}
