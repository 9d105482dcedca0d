/** What can be chosen of a live picture, and how it is called. Pure. */

export const AUTO = "auto";
export const SOUND_ALONE = "audio";

export interface Offer {
  /** Names of the pictures, best first. */
  rungs: readonly string[];
  soundAlone: boolean;
  /** The picture that is shown; "" for none or unknown. */
  current: string;
}

export const NO_OFFER: Offer = { rungs: [], soundAlone: false, current: "" };

/** The menu; empty where there is nothing to choose between. */
export function choicesOf({ rungs, soundAlone }: Offer): string[] {
  const found = [AUTO, ...rungs.filter((name) => name !== ""), ...(soundAlone ? [SOUND_ALONE] : [])];
  return found.length > 2 ? found : [];
}

/** What holds: the choice, or `auto` where that is not to be had (another delivery, another source). */
export function heldOf(chosen: string, choices: readonly string[]): string {
  return choices.includes(chosen) ? chosen : AUTO;
}

export function sameOffer(one: Offer, other: Offer): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
