/**
 * All uploads of this tab, shared by the pages: they go on while other pages are looked at.
 * Rows change only through queue.ts; this file owns transfers, events and what the form holds.
 */
import { computed, reactive, shallowReactive } from "vue";
import { lessons } from "@/api/lessons";
import { session, refreshMe } from "@/api/session";
import { watchLessons } from "@/api/events";
import type { LessonEvent } from "@/api/types";
import { chineseChoices } from "@/i18n/vocabulary";
import { contentReason, sizeReason } from "./check";
import { changes, EMPTY_DETAILS, fromLast, prefill, shared, uploadMetadata, type Details } from "./metadata";
import { isMoving, isOver, newRow, nextToStart, step, takes, type Input, type Reason, type Row } from "./queue";
import { fingerprint, largestFile, Transfer, unfinished, type Unfinished } from "./transfer";

export interface Item {
  row: Row;
  details: Details;
  /** What the server knows of the details: sent at the start, or saved since. */
  known: Details;
  /** Set when a new video replaces the one of this lesson. */
  replaces: string;
}

const AT_ONCE = 2;
const DRAFT_PREFIX = "tongbu.draft.";
const WORDS = {
  stages: chineseChoices("stage"),
  grades: chineseChoices("grade"),
  subjects: chineseChoices("subject"),
  editions: chineseChoices("edition"),
};

export const items = reactive<Item[]>([]);
export const left = reactive<{ list: Unfinished[] }>({ list: [] });
export const moving = computed(() => items.some((item) => isMoving(item.row)));
const files = new Map<string, File>();
const transfers = shallowReactive(new Map<string, Transfer>());
let last: Details = EMPTY_DETAILS;
let lastAsked: Promise<void> | undefined;
let limitAsked: Promise<number | null> | undefined;
let stopWatching: (() => void) | undefined;
let watched = "";

function find(id: string): Item | undefined {
  return items.find((item) => item.row.id === id);
}

function feed(id: string, input: Input): void {
  const item = find(id);
  if (!item || !takes(item.row, input.type)) return;
  item.row = step(item.row, input);
  if (input.type === "stored") void afterStored(item);
  if (["stored", "failed", "pause", "cancel"].includes(input.type)) pump();
  followEvents();
}

/** Read the teacher's last lesson once; the form is filled without it when that fails. */
export function prepare(): Promise<void> {
  left.list = unfinished(session.me.person_id, window.localStorage).filter(
    (one) => !find(one.file),
  );
  lastAsked ??= lessons
    .list({ mine: true, sort: "newest", limit: 1 })
    .then((page) => void (last = fromLast(page.items[0], session.me.name)))
    .catch(() => void (last = fromLast(undefined, session.me.name)));
  return lastAsked;
}

/** Take a file in and start it when its turn comes; undefined when it is in the list already. */
export async function add(file: File, replaces = ""): Promise<Row | undefined> {
  await prepare();
  const id = fingerprint(session.me.person_id, file);
  const reason = await reasonAgainst(file, id);
  const old = find(id);
  if (old && !isOver(old.row)) return undefined;
  if (old) remove(id);
  const details = { ...prefill(file.name, last, WORDS), ...readDraft(id) };
  const row = newRow(id, file.name, file.size, reason);
  files.set(id, file);
  items.push({ row, details, known: details, replaces });
  pump();
  return row;
}

/** Why it would be sent in vain; "" when the server has to decide. */
async function reasonAgainst(file: File, id: string): Promise<Reason | ""> {
  limitAsked ??= largestFile();
  const fileBytes = await limitAsked;
  if (fileBytes === null) limitAsked = undefined;
  // What was begun before has its space already.
  const begun = left.list.some((one) => one.file === id);
  const room = () => (begun ? Infinity : session.me.quota_bytes - session.me.used_bytes);
  let reason = sizeReason(file.size, { fileBytes, leftBytes: room() });
  if (reason === "overQuota") {
    await refreshMe();
    reason = sizeReason(file.size, { fileBytes, leftBytes: room() });
  }
  return reason || contentReason(file);
}

function pump(): void {
  const rows = items.map((item) => item.row);
  for (const id of nextToStart(rows, AT_ONCE)) begin(id);
}

function begin(id: string): void {
  const item = find(id);
  const file = files.get(id);
  if (!item || !file) return;
  feed(id, { type: "start", at: performance.now() });
  let transfer = transfers.get(id);
  if (!transfer) {
    item.known = { ...item.details };
    transfer = new Transfer(session.me.person_id, file, metadataOf(item), {
      progress: (sent) => feed(id, { type: "progress", sent, at: performance.now() }),
      stalled: () => feed(id, { type: "stalled" }),
      stored: (lesson) => feed(id, { type: "stored", lesson }),
      failed: (reason) => {
        transfers.delete(id);
        feed(id, { type: "failed", reason });
      },
    });
    transfers.set(id, transfer);
  }
  void transfer.start();
}

function metadataOf(item: Item): Record<string, string> {
  if (item.replaces) return { filename: item.row.name, lesson: item.replaces };
  return uploadMetadata(item.row.name, item.details);
}

async function afterStored(item: Item): Promise<void> {
  files.delete(item.row.id);
  transfers.delete(item.row.id);
  await save(item).catch(() => undefined);
  void refreshMe();
}

/** Send what the form changed; before the lesson exists it is kept in this browser. */
export async function save(item: Item): Promise<void> {
  const changed = changes(item.known, item.details);
  if (!item.row.lesson) {
    keepDraft(item);
    return;
  }
  window.localStorage.removeItem(DRAFT_PREFIX + item.row.id);
  if (item.replaces || Object.keys(changed).length === 0) return;
  const sent = { ...item.details };
  await lessons.edit(item.row.lesson, changed);
  item.known = sent;
}

function keepDraft(item: Item): void {
  try {
    window.localStorage.setItem(DRAFT_PREFIX + item.row.id, JSON.stringify(item.details));
  } catch {
    // Without storage a draft lives as long as the tab.
  }
}

function readDraft(id: string): Partial<Details> {
  try {
    return JSON.parse(window.localStorage.getItem(DRAFT_PREFIX + id) ?? "{}") as Partial<Details>;
  } catch {
    return {};
  }
}

export function applyToAll(from: Item): void {
  for (const item of items) {
    if (item === from) continue;
    item.details = shared(from.details, item.details);
    void save(item).catch(() => undefined);
  }
}

export function pause(id: string): void {
  void transfers.get(id)?.pause();
  feed(id, { type: "pause" });
}

export function resume(id: string): void {
  feed(id, { type: "resume" });
  pump();
}

export async function retry(id: string): Promise<void> {
  const item = find(id);
  if (item?.row.lesson) await lessons.retry(item.row.lesson);
  else {
    feed(id, { type: "retry" });
    pump();
  }
}

export function cancel(id: string): void {
  void transfers.get(id)?.cancel();
  transfers.delete(id);
  feed(id, { type: "cancel" });
  remove(id);
}

export function remove(id: string): void {
  const at = items.findIndex((item) => item.row.id === id);
  if (at >= 0) items.splice(at, 1);
  files.delete(id);
  window.localStorage.removeItem(DRAFT_PREFIX + id);
}

/** Give up an unfinished upload of an earlier visit. */
export function forget(one: Unfinished): void {
  window.localStorage.removeItem(one.key);
  left.list = left.list.filter((other) => other.key !== one.key);
}

/** One event stream for all lessons that the server is still working on. */
function followEvents(): void {
  const ids = items
    .filter((item) => item.row.lesson && item.row.phase !== "ready")
    .map((item) => item.row.lesson);
  const wanted = ids.sort().join(",");
  if (wanted === watched) return;
  watched = wanted;
  stopWatching?.();
  stopWatching = ids.length ? watchLessons({ lessons: ids }, onEvent) : undefined;
}

function onEvent(event: LessonEvent): void {
  const item = items.find((one) => one.row.lesson === event.id);
  if (item) feed(item.row.id, { type: "lesson", event });
}

window.addEventListener("beforeunload", (event) => {
  if (moving.value) event.preventDefault();
});
