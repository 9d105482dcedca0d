/** The wall in this page: rows by id, changed by what the service sends. Pure. */
import type {
  AlertRow, Cause, CityRow, DistrictRow, EvidenceRow, RoomRow, SchoolRow, SessionRow, WallChange,
} from "@/api/types";
import type { About } from "./runbook";

export interface WallState {
  at: number;
  city: CityRow | undefined;
  districts: ReadonlyMap<string, DistrictRow>;
  schools: ReadonlyMap<string, SchoolRow>;
  sessions: ReadonlyMap<string, SessionRow>;
  rooms: ReadonlyMap<string, RoomRow>;
  alerts: ReadonlyMap<string, AlertRow>;
}

export const EMPTY: WallState = {
  at: 0,
  city: undefined,
  districts: new Map(),
  schools: new Map(),
  sessions: new Map(),
  rooms: new Map(),
  alerts: new Map(),
};

function merged<T>(
  before: ReadonlyMap<string, T>,
  rows: Record<string, T | null>,
  whole: boolean,
): ReadonlyMap<string, T> {
  const changed = Object.entries(rows);
  if (!whole && changed.length === 0) return before;
  const found = new Map(whole ? [] : before);
  for (const [id, row] of changed) {
    if (row === null) found.delete(id);
    else found.set(id, row);
  }
  return found;
}

export function applied(state: WallState, change: WallChange): WallState {
  const { whole } = change;
  return {
    at: change.at,
    city: change.city ?? (whole ? undefined : state.city),
    districts: merged(state.districts, change.districts, whole),
    schools: merged(state.schools, change.schools, whole),
    sessions: merged(state.sessions, change.sessions, whole),
    rooms: merged(state.rooms, change.rooms, whole),
    alerts: merged(state.alerts, change.alerts, whole),
  };
}

/** A city has a thousand names to put in order, each second. */
const BY_NAME = new Intl.Collator("zh-CN");

/** In the order in which a picture passes them, as catalog/operations/verdict.py has it. */
export const CAUSES: readonly Cause[] = ["encoder", "origin", "line", "edge", "wifi", "device"];

/** Nobody sees anything: a wall shows these in red, what is merely bad in amber. */
const BROKEN = new Set(["encoder_silent", "box_untold", "box_closed", "box_unheard"]);
export type Mood = "broken" | "bad" | "air" | "idle";
const MOODS: readonly Mood[] = ["broken", "bad", "air", "idle"];

interface Judged {
  cause: Cause | null;
  evidence: readonly { code: string }[];
}

export function moodOf(row: Judged, onAir: boolean): Mood {
  if (row.cause === null) return onAir ? "air" : "idle";
  return row.evidence.some((one) => BROKEN.has(one.code)) ? "broken" : "bad";
}

export const moodOfSchool = (row: SchoolRow): Mood => moodOf(row, row.sessions.length > 0);

/** The worst first, then by name. */
export function schoolsOf(state: WallState, district?: string): SchoolRow[] {
  const rows = [...state.schools.values()];
  return rows
    .filter((row) => district === undefined || row.district === district)
    .sort(
      (a, b) =>
        MOODS.indexOf(moodOfSchool(a)) - MOODS.indexOf(moodOfSchool(b)) ||
        BY_NAME.compare(a.name, b.name),
    );
}

export function troubledOf(state: WallState): SchoolRow[] {
  return schoolsOf(state).filter((row) => row.cause !== null);
}

/** The title of a lesson on air; what is none stands for itself. */
export const titleOf = (state: WallState, about: string): string =>
  state.sessions.get(about)?.title ?? about;

/** The school that teaches a lesson on air, as whom to call: "" where it is the one that asks. */
export function mainOf(state: WallState, about: string, asks = ""): string {
  const lesson = state.sessions.get(about);
  return lesson && lesson.main_school_id !== asks ? lesson.main_school : "";
}

export function sessionsOf(state: WallState, among?: readonly string[]): SessionRow[] {
  const weight = (row: SessionRow): number => (row.cause ? 0 : row.bad > 0 ? 1 : 2);
  return [...state.sessions.values()]
    .filter((row) => among === undefined || among.includes(row.id))
    .sort((a, b) => weight(a) - weight(b) || (a.since ?? 0) - (b.since ?? 0));
}

export function roomsOf(
  state: WallState,
  which: { school?: string; session?: string; room?: string },
): RoomRow[] {
  const order = ["bad", "absent", "well"];
  return [...state.rooms.values()]
    .filter((row) => which.school === undefined || row.school === which.school)
    .filter((row) => which.session === undefined || row.session === which.session)
    .filter((row) => which.room === undefined || row.id === which.room)
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) ||
      BY_NAME.compare(a.name, b.name));
}

export function alertsOf(state: WallState): AlertRow[] {
  const weight = (row: AlertRow): number => (row.severity === "critical" ? 0 : 1);
  return [...state.alerts.values()].sort(
    (a, b) => weight(a) - weight(b) || a.since - b.since || a.name.localeCompare(b.name),
  );
}

/** The open alert of what stands first against a place: its own, its lesson's, or the service's. */
export function alertFor(
  state: WallState, [first]: readonly EvidenceRow[], id: string,
): AlertRow | undefined {
  const theirs = (row: AlertRow): boolean =>
    row.kind === "city" || row.subject === id || row.subject === first?.about;
  return [...state.alerts.values()].find((row) => row.code === first?.code && theirs(row));
}

/** How it is with what an alert told of: still so, over, wrong in another way, or not here any more. */
export type Standing =
  | { is: "open"; row: AlertRow }
  | { is: "other"; cause: Cause }
  | { is: "over" | "left" };

export function standingOf(state: WallState, { name, kind, subject }: AlertRow): Standing {
  const row = state.alerts.get(`${name}:${kind}:${subject}`);
  if (row) return { is: "open", row };
  if (kind === "city") return { is: "over" };
  const place = kind === "session" ? state.sessions.get(subject) : state.schools.get(subject);
  if (!place) return { is: "left" };
  return place.cause === null ? { is: "over" } : { is: "other", cause: place.cause };
}

/** Whom an alert is about; that of a school may be about a lesson of it, too. */
export function aboutOf(state: WallState, { kind, subject, evidence }: AlertRow): About {
  if (kind === "session") return { session: subject };
  const session = lessonOf(state, evidence);
  return kind === "school" ? { school: subject, session } : { session };
}

/** The lesson that evidence is about, if it is about one. */
export function lessonOf(state: WallState, evidence: readonly EvidenceRow[]): string | undefined {
  return evidence.map((one) => one.about).find((about) => state.sessions.has(about));
}

/** What a school's line carries as far as is known, and no more than its box may use of it. */
export function lineOf(row: SchoolRow): number | undefined {
  return row.line_bps ?? undefined;
}

/** How much of it is used, in percent. */
export function shareOf(row: SchoolRow): number | undefined {
  const line = lineOf(row);
  if (!line || row.use_bps === null) return undefined;
  return Math.min(100, Math.round((100 * row.use_bps) / line));
}

/** What is watched, the most first: `720p 3 · 360p 1`. */
export function rungsText(rungs: Readonly<Record<string, number>>): string {
  const found = Object.entries(rungs).filter(([name]) => name !== "");
  found.sort(([a, m], [b, n]) => n - m || a.localeCompare(b));
  return found.map(([name, count]) => `${name} ${count}`).join(" · ") || "–";
}

export function districtsOf(state: WallState): DistrictRow[] {
  return [...state.districts.values()].sort((a, b) => BY_NAME.compare(a.name, b.name));
}

export const troubledIn = (row: DistrictRow): number =>
  Object.values(row.causes).reduce((sum, count) => sum + count, 0);

/** The service tells something each second. Silent for this long, it is the one at fault. */
export const SILENT_MS = 6000;

export function silentFor(heardMs: number, nowMs: number): number | undefined {
  const silent = nowMs - heardMs;
  return silent >= SILENT_MS ? Math.floor(silent / 1000) : undefined;
}
