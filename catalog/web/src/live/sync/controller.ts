/**
 * Keeps a player at "server's now − D": by its speed while it is near, by one jump when it is far
 * or stands still anyway. Pure; `now` is an argument.
 *
 * Rule: behind = (now − D) − capture time at the play head. Steering begins above DEAD_BAND_S and
 * goes on until it is below SETTLED_S (a band with two edges does not hunt); speed = 1 + GAIN ×
 * behind, at most ± 5 %, where pitch is kept and nobody hears it. Above JUMP_S it jumps. How long its
 * first seek takes is not known before: a player that has just begun is corrected once by a smaller
 * jump, and hurries at up to 15 % for CORRECTED_WITHIN_S. Nothing leads beyond what is buffered.
 */

export const DEAD_BAND_S = 0.01;
export const SETTLED_S = 0.004;
export const GAIN_PER_S = 0.5;
export const MOST_SPEED = 0.05;
/** Just begun and behind: nobody has been listening yet. */
export const HURRY_PER_S = 2;
export const MOST_HURRY = 0.15;
export const JUMP_S = 1;
/** A picture that stands is placed anew when it is further off than that. */
export const STANDING_JUMP_S = 0.05;
/** Just begun and that far behind: one more jump, which takes SEEK_TAKES_S itself. */
export const CORRECTED_ABOVE_S = 0.2;
export const CORRECTED_WITHIN_S = 1.5;
export const SEEK_TAKES_S = 0.08;
/** What a late player that has media must gain by a jump: at the end of the buffer it only runs dry. */
export const LEAST_GAIN_S = 0.5;
/** A picture is not held longer: then a clock is wrong, and playing is better than waiting. */
export const MOST_HELD_S = 10;
/** What stays buffered in front of the play head: one frame and its decoding. */
export const KEEP_AHEAD_S = 0.06;
/** Speeds differ by no less: each change costs the sound's stretcher a little. */
const SPEED_STEP = 0.0025;

export interface Moment {
  /** Server's now, Unix seconds. */
  now: number;
  /** The session's common delay, seconds. */
  delayS: number;
  /** Unix seconds of media time 0. */
  anchor: number;
  /** Media time at the play head and the ends of what is buffered around it, seconds. */
  at: number;
  bufferedFrom: number;
  bufferedTo: number;
  /** It has not begun, has run dry, or waits. */
  standing: boolean;
}

export type Steering =
  | { do: "speed"; rate: number }
  | { do: "jump"; to: number }
  /** What is to be shown is not here yet, but soon: stand still. */
  | { do: "hold" };

export class Controller {
  private steering = false;
  /** It was moved and has not run since: a seek takes time, and chasing that time never ends. */
  private placed = false;
  /** Until when a player that has just begun may be corrected (server's seconds), and whether it was. */
  private correctUntil = -Infinity;
  private corrected = false;
  private hurryUntil = -Infinity;

  /** Seconds behind the common moment; negative when in front of it. */
  static behindS({ now, delayS, anchor, at }: Moment): number {
    return now - delayS - (anchor + at);
  }

  decide(moment: Moment): Steering {
    const behind = Controller.behindS(moment);
    const wanted = moment.at + behind;
    if (moment.standing) return this.place(moment, wanted);
    return this.jumpRunning(moment, behind) ?? { do: "speed", rate: this.rate(moment, behind) };
  }

  private jumpRunning(moment: Moment, behind: number): Steering | undefined {
    if (this.placed) {
      this.hurryUntil = moment.now + CORRECTED_WITHIN_S;
      this.correctUntil = this.corrected ? -Infinity : this.hurryUntil;
    }
    this.placed = false;
    const begins = moment.now < this.correctUntil;
    if (begins && behind < -STANDING_JUMP_S) return { do: "hold" };
    const limit = begins ? CORRECTED_ABOVE_S : JUMP_S;
    if (behind < limit && behind > -JUMP_S) return undefined;
    const to = inside(moment, moment.at + behind + (behind > 0 ? SEEK_TAKES_S : 0));
    if (!worthIt(moment.at, to, behind) || (!begins && gainsLittle(moment, to))) return undefined;
    return this.jump(to, begins);
  }

  private place(moment: Moment, wanted: number): Steering {
    const to = inside(moment, wanted);
    const early = moment.at - wanted;
    const here = moment.at >= moment.bufferedFrom && moment.at <= moment.bufferedTo;
    const soon = early < JUMP_S || (early < MOST_HELD_S && wanted < moment.bufferedFrom);
    if (here && early > STANDING_JUMP_S && soon) return { do: "hold" };
    const near = (this.placed && Math.abs(to - moment.at) < JUMP_S) || (here && gainsLittle(moment, to));
    if (!near && worthIt(moment.at, to, wanted - moment.at)) return this.jump(to);
    return { do: "speed", rate: 1 };
  }

  private jump(to: number, corrected = false): Steering {
    this.steering = false;
    this.placed = true;
    this.corrected = corrected;
    return { do: "jump", to };
  }

  private rate(moment: Moment, behind: number): number {
    const off = Math.abs(behind);
    this.steering = off > (this.steering ? SETTLED_S : DEAD_BAND_S);
    if (!this.steering) return 1;
    const hurries = behind > 0 && moment.now < this.hurryUntil;
    const [gain, most] = hurries ? [HURRY_PER_S, MOST_HURRY] : [GAIN_PER_S, MOST_SPEED];
    const wish = Math.max(-most, Math.min(most, behind * gain));
    const short = moment.bufferedTo - moment.at < KEEP_AHEAD_S;
    const change = Math.round(wish / SPEED_STEP) * SPEED_STEP || Math.sign(wish) * SPEED_STEP;
    return short ? Math.min(1, 1 + change) : 1 + change;
  }
}

/** Far enough, and the way it has to go: a player that has run dry is not thrown back. */
function worthIt(at: number, to: number, wish: number): boolean {
  return Math.abs(to - at) > STANDING_JUMP_S && to > at === wish > 0;
}

/** The moment is not here yet, and the way to it is short. */
function gainsLittle({ at, bufferedTo, now, delayS, anchor }: Moment, to: number): boolean {
  return now - delayS - anchor > bufferedTo && to > at && to - at < LEAST_GAIN_S;
}

function inside({ bufferedFrom, bufferedTo }: Moment, wanted: number): number {
  return Math.max(bufferedFrom, Math.min(wanted, bufferedTo - KEEP_AHEAD_S));
}
