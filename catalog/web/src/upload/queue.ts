/**
 * The life of one file from the drop to the screen, and which file goes next. Pure: time is an
 * argument (milliseconds), the network is elsewhere (transfer.ts).
 *
 * waiting ─► uploading ─► checking ─► transcoding ─► playable ─► ready
 *    ▲        │    ▲  └──► failed ◄──────┴───────────────┘
 *    └ retry ─┤    └ resume ─ paused                 refused: will never be taken
 */
import type { LessonEvent } from "@/api/types";
import type { NoMedia } from "./sniff";

export type Phase =
  | "waiting"
  | "uploading"
  | "paused"
  | "checking"
  | "transcoding"
  | "playable"
  | "ready"
  | "failed"
  | "refused"
  | "cancelled";

export type Reason =
  | "offline"
  | "lost"
  | "overQuota"
  | "tooLarge"
  | "noRight"
  | "signIn"
  | "empty"
  | "read"
  | "invalid"
  | NoMedia
  | "notVideo"
  | "server";

export interface Row {
  id: string;
  name: string;
  size: number;
  phase: Phase;
  sent: number;
  /** Bytes a second, smoothed; 0 while unknown. */
  rate: number;
  measured: { at: number; sent: number } | null;
  progress: number;
  etaS: number | null;
  lesson: string;
  reason: Reason | "";
  /** Code of the lesson's error when the server could not prepare it. */
  code: string;
}

export type Input =
  | { type: "start"; at: number }
  | { type: "progress"; sent: number; at: number }
  | { type: "stalled" }
  | { type: "pause" }
  | { type: "resume" }
  | { type: "stored"; lesson: string }
  | { type: "lesson"; event: LessonEvent }
  | { type: "failed"; reason: Reason }
  | { type: "retry" }
  | { type: "cancel" };

type Handler<I extends Input["type"]> = (row: Row, input: Extract<Input, { type: I }>) => Row;
type Handlers = { [I in Input["type"]]?: Handler<I> };

const SMOOTHING = 0.3;
const MEASURE_EVERY_MS = 500;
const FINAL_REFUSALS: readonly Reason[] = [
  "tooLarge", "noRight", "empty", "notVideo", "document", "archive", "picture", "program", "text",
];

/** A file that waits for its turn, or one that is not taken for `reason`. */
export function newRow(id: string, name: string, size: number, reason: Reason | "" = ""): Row {
  return {
    id,
    name,
    size,
    phase: reason ? phaseOf(reason) : "waiting",
    sent: 0,
    rate: 0,
    measured: null,
    progress: 0,
    etaS: null,
    lesson: "",
    reason,
    code: "",
  };
}

function phaseOf(reason: Reason): Phase {
  return FINAL_REFUSALS.includes(reason) ? "refused" : "failed";
}

const start: Handler<"start"> = (row, { at }) => ({
  ...row,
  phase: "uploading",
  reason: "",
  code: "",
  rate: 0,
  measured: { at, sent: row.sent },
});

const progressed: Handler<"progress"> = (row, { sent, at }) => {
  const before = row.measured;
  if (!before || at - before.at < MEASURE_EVERY_MS) {
    return { ...row, sent, reason: "", measured: before ?? { at, sent } };
  }
  const now = ((sent - before.sent) * 1000) / (at - before.at);
  const rate = row.rate > 0 ? row.rate + SMOOTHING * (now - row.rate) : now;
  return { ...row, sent, reason: "", rate: Math.max(0, rate), measured: { at, sent } };
};

const stopped: Handler<"failed"> = (row, { reason }) => ({
  ...row,
  phase: phaseOf(reason),
  reason,
  rate: 0,
  measured: null,
});

const stored: Handler<"stored"> = (row, { lesson }) => ({
  ...row,
  phase: "checking",
  sent: row.size,
  lesson,
  progress: 0,
});

const pause: Handler<"pause"> = (row) => ({ ...row, phase: "paused", rate: 0, measured: null });
const wait = (row: Row): Row => ({ ...row, phase: "waiting", reason: "", code: "" });
const cancel = (row: Row): Row => ({ ...row, phase: "cancelled", rate: 0, measured: null });

const PHASE_OF: Record<LessonEvent["state"], Phase> = {
  uploading: "checking",
  queued: "checking",
  transcoding: "transcoding",
  playable: "playable",
  ready: "ready",
  failed: "failed",
};

const followed: Handler<"lesson"> = (row, { event }) => ({
  ...row,
  phase: PHASE_OF[event.state],
  progress: event.progress,
  etaS: event.eta_s,
  code: event.state === "failed" ? (event.error?.code ?? "other") : "",
});

const FOLLOWING: Handlers = { lesson: followed };
const TABLE: Record<Phase, Handlers> = {
  waiting: { start, pause, cancel, failed: stopped },
  uploading: {
    progress: progressed,
    stalled: (row) => ({ ...row, reason: "offline", rate: 0, etaS: null }),
    pause,
    stored,
    failed: stopped,
    cancel,
  },
  paused: { resume: wait, cancel, progress: (row) => row },
  checking: FOLLOWING,
  transcoding: FOLLOWING,
  playable: FOLLOWING,
  ready: FOLLOWING,
  failed: { retry: wait, cancel, lesson: followed },
  refused: { cancel },
  cancelled: {},
};

/** Whether this input makes sense now: what buttons are shown. */
export function takes(row: Row, type: Input["type"]): boolean {
  return TABLE[row.phase][type] !== undefined;
}

/** Give the row after the input. Throws when the input makes no sense in this phase. */
export function step(row: Row, input: Input): Row {
  const handler = TABLE[row.phase][input.type] as ((row: Row, input: Input) => Row) | undefined;
  if (!handler) throw new Error(`a file that is ${row.phase} cannot take: ${input.type}`);
  return handler(row, input);
}

const UPLOAD_SHARE = 0.5;
const CHECK_SHARE = 0.05;

/** One bar for the whole way: half of it the upload, the rest the server's work. */
export function shareDone(row: Row): number {
  const sent = row.size > 0 ? Math.min(1, row.sent / row.size) : 0;
  if (row.phase === "ready") return 1;
  if (row.lesson === "") return sent * UPLOAD_SHARE;
  const rest = 1 - UPLOAD_SHARE - CHECK_SHARE;
  return UPLOAD_SHARE + CHECK_SHARE + Math.min(1, row.progress) * rest;
}

const WORTH_SAYING_S = 10;

/** Seconds until the present phase is over; null when unknown or not worth saying. */
export function secondsLeft(row: Row): number | null {
  const left =
    row.phase === "uploading" && row.rate > 0 ? (row.size - row.sent) / row.rate : row.etaS;
  const told = ["uploading", "transcoding", "playable"].includes(row.phase);
  return told && left !== null && left > WORTH_SAYING_S ? left : null;
}

/** Ids of the files to start now so that at most `limit` are on their way. */
export function nextToStart(rows: readonly Row[], limit: number): string[] {
  const busy = rows.filter((row) => row.phase === "uploading").length;
  const waiting = rows.filter((row) => row.phase === "waiting");
  return waiting.slice(0, Math.max(0, limit - busy)).map((row) => row.id);
}

export function isMoving(row: Row): boolean {
  return row.phase === "uploading" || row.phase === "waiting";
}

/** Nothing will come of this row: the same file may be chosen anew. */
export function isOver(row: Row): boolean {
  return row.phase === "cancelled" || row.phase === "refused";
}
