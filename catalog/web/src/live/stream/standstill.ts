/**
 * A picture that stands in front of a hole (the main classroom was away) goes on behind it. Pure;
 * times in seconds, `now` monotonic, the rest media time.
 */

/** So long hls.js and the steering may find the way by themselves. */
export const PATIENCE_S = 1.5;
/** A decoder stops that far in front of where the media ends. */
export const SHORT_OF_END_S = 0.5;
/** Sound begins a packet later than the picture. */
export const PADDING_S = 0.1;

/** A segment of the playlist; `gap`: nobody has it. */
export interface Piece {
  readonly start: number;
  readonly end: number;
  readonly gap?: boolean | undefined;
}

export class Standstill {
  private at: number | undefined;
  private since = 0;

  /** Where picture and sound go on, once it has stood too long and something is behind the hole. */
  leads(now: number, at: number, tracks: readonly (readonly Piece[])[]): number | undefined {
    if (at !== this.at) {
      this.at = at;
      this.since = now;
    }
    return now - this.since < PATIENCE_S ? undefined : behindHoles(tracks, at);
  }

  /** It does not stand, or is meant to. */
  moves(): void {
    this.at = undefined;
  }
}

/**
 * Where to go for who seeks this moment. Not in front of the track that begins last, not even by the
 * length of a packet: hls.js, when it has only just begun, would take that track from the live edge.
 */
export function soughtIn(tracks: readonly (readonly Piece[])[], at: number): number {
  const begins = tracks.map((pieces) => (pieces[0] ? pieces[0].start + PADDING_S : 0));
  const from = Math.max(at, ...begins);
  return behindHoles(tracks, from) ?? from;
}

/** Where no track has a hole any more: a player stands as soon as one of them lacks something. */
export function behindHoles(tracks: readonly (readonly Piece[])[], at: number): number | undefined {
  let to = at;
  for (let from = -1; from !== to; ) {
    from = to;
    to = Math.max(...tracks.map((pieces) => behindHole(pieces, from) ?? from));
  }
  return to > at ? to : undefined;
}

/**
 * Where the media behind the hole at this moment begins. In front of all there is one, too: a lesson
 * whose picture or sound came late has none at its time 0, where who goes back to the beginning would stand.
 */
export function behindHole(pieces: readonly Piece[], at: number): number | undefined {
  const isBefore = pieces[0] !== undefined && at < pieces[0].start - SHORT_OF_END_S;
  const from = isBefore ? 0 : pieces.findIndex((piece) => piece.gap && at < piece.end);
  const first = pieces[from];
  if (!first || (!isBefore && at < first.start - SHORT_OF_END_S)) return undefined;
  const next = pieces.slice(from).find((piece) => !piece.gap);
  return next && next.start + PADDING_S;
}
