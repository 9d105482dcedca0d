/**
 * Feeds two SourceBuffers, picture and sound, in order: waits while one is busy, joins what piled
 * up into one append, drops what lies behind the play head, makes room when the browser has none.
 * Knows neither sockets nor <video>; a SourceBuffer is what `Sink` says, so tests need none.
 */

export type Track = "video" | "audio";

/** The part of a SourceBuffer that is used. */
export interface Sink {
  readonly updating: boolean;
  readonly buffered: { length: number; start(index: number): number; end(index: number): number };
  appendBuffer(data: BufferSource): void;
  remove(from: number, to: number): void;
  changeType(type: string): void;
}

export const KEPT_BEHIND_S = 8;
/** Removal costs an update; wait until this much lies behind what is kept. */
export const EVICT_STEP_S = 6;
export const KEPT_WHEN_FULL_S = 1;
export const MOST_WAITING_BYTES = 16 * 1024 * 1024;
const MOST_JOINED_BYTES = 1024 * 1024;

interface Piece {
  kind: "init" | "key" | "delta";
  bytes: Uint8Array;
  /** Set with an init whose codecs differ from the one before. */
  type?: string;
}

interface Lane {
  sink: Sink;
  type: string;
  waiting: Piece[];
  waitingBytes: number;
  /** Drop until the next piece that can stand alone. */
  needsKey: boolean;
  /** The last append found no room. */
  full: boolean;
}

export class Appender {
  private readonly lanes = new Map<Track, Lane>();

  constructor(
    /** Where the play head is, seconds of media time. */
    private readonly head: () => number,
    private readonly onDropped: (track: Track) => void = () => undefined,
  ) {}

  /** Begin a track; `type` is the MIME type its sink was made with. */
  open(track: Track, sink: Sink, type: string): void {
    this.lanes.set(track, { sink, type, waiting: [], waitingBytes: 0, needsKey: true, full: false });
  }

  has(track: Track): boolean {
    return this.lanes.has(track);
  }

  /** Take an initialization section; fragments before the next keyframe are of no use then. */
  init(track: Track, bytes: Uint8Array, type: string): void {
    const lane = this.lanes.get(track);
    if (!lane) return;
    const piece: Piece = { kind: "init", bytes };
    if (type !== lane.type) piece.type = type;
    lane.type = type;
    lane.needsKey = true;
    this.enqueue(track, lane, piece);
  }

  /** Take a fragment; `standsAlone` when decoding can begin with it. */
  fragment(track: Track, bytes: Uint8Array, standsAlone: boolean): void {
    const lane = this.lanes.get(track);
    if (!lane || (lane.needsKey && !standsAlone)) return;
    lane.needsKey = false;
    this.enqueue(track, lane, { kind: standsAlone ? "key" : "delta", bytes });
  }

  /** A sink has finished something. */
  updated(track: Track): void {
    const lane = this.lanes.get(track);
    if (lane) this.pump(track, lane);
  }

  private enqueue(track: Track, lane: Lane, piece: Piece): void {
    lane.waiting.push(piece);
    lane.waitingBytes += piece.bytes.byteLength;
    if (lane.waitingBytes > MOST_WAITING_BYTES) this.drop(track, lane);
    this.pump(track, lane);
  }

  /** Nobody takes it: keep the newest init, go on with the next keyframe. */
  private drop(track: Track, lane: Lane): void {
    const init = lane.waiting.filter((piece) => piece.kind === "init").at(-1);
    lane.waiting = init ? [init] : [];
    lane.waitingBytes = init?.bytes.byteLength ?? 0;
    lane.needsKey = true;
    this.onDropped(track);
  }

  private pump(track: Track, lane: Lane): void {
    if (lane.sink.updating) return;
    if (this.evict(lane, KEPT_BEHIND_S, EVICT_STEP_S)) return;
    const next = take(lane);
    if (!next) return;
    try {
      if (next.type) lane.sink.changeType(next.type);
      lane.sink.appendBuffer(next.bytes as BufferSource);
      lane.full = false;
    } catch (error) {
      if (!isQuota(error)) throw error;
      this.makeRoom(track, lane, next);
    }
  }

  /** The browser's buffer is full: put the piece back, give up almost all behind the play head. */
  private makeRoom(track: Track, lane: Lane, piece: Piece): void {
    lane.waiting.unshift(piece);
    lane.waitingBytes += piece.bytes.byteLength;
    const again = lane.full;
    lane.full = true;
    if (again || !this.evict(lane, KEPT_WHEN_FULL_S, 0)) this.drop(track, lane);
  }

  private evict(lane: Lane, keptS: number, stepS: number): boolean {
    const { buffered } = lane.sink;
    if (buffered.length === 0) return false;
    const from = buffered.start(0);
    const to = this.head() - keptS;
    if (!(to - from > stepS)) return false;
    lane.sink.remove(from, to);
    return true;
  }
}

/** The next piece, joined with those that may follow it in one append. */
function take(lane: Lane): Piece | undefined {
  const first = lane.waiting.shift();
  if (!first) return undefined;
  const joined = [first.bytes];
  let size = first.bytes.byteLength;
  for (let next = lane.waiting[0]; next && !next.type; next = lane.waiting[0]) {
    if (size + next.bytes.byteLength > MOST_JOINED_BYTES) break;
    lane.waiting.shift();
    joined.push(next.bytes);
    size += next.bytes.byteLength;
  }
  lane.waitingBytes -= size;
  return { ...first, bytes: joined.length === 1 ? first.bytes : concatenated(joined, size) };
}

function concatenated(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

function isQuota(error: unknown): boolean {
  return error instanceof Error && error.name === "QuotaExceededError";
}
