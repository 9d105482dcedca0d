/** The largest line of the wall: what is wrong with the service, with schools, with lessons. Pure. */
import type { AlertRow, CityRow } from "@/api/types";
import { moodOf, moodOfSchool, troubledOf, type Mood, type WallState } from "./wall";

/** As catalog/operations/alerts.py and verdict.py have them (a test compares). */
export const LATE_MS = 250;
export const DISK_SHARE = 0.05;
export const STUCK_S = 300;

export type ServicePart = "database" | "store" | "loop" | "workers" | "queue" | "disk";

/** The alert of each part of the service; nobody is called for workers. */
const ALERTS: Record<ServicePart, string> = {
  database: "DatabaseAway",
  store: "StoreAway",
  loop: "LoopLate",
  workers: "",
  queue: "JobsStuck",
  disk: "DiskFull",
};

/** What of the service is not well, by the service's own figures: an officer of a school is told no alert of it. */
export function ailing(city: CityRow): ServicePart[] {
  const away = (name: string): boolean => city.checks.some((one) => one.name === name && !one.up);
  const bad: Record<ServicePart, boolean> = {
    database: away("database"),
    store: away("store"),
    loop: city.loop_late_ms >= LATE_MS,
    workers: city.workers === 0,
    queue: city.queues.some((one) => one.waiting > 0 && one.running === 0 && one.oldest_s >= STUCK_S),
    disk: city.disk_free_bytes !== null && city.disk_size_bytes !== null &&
      city.disk_free_bytes < DISK_SHARE * city.disk_size_bytes,
  };
  return (Object.keys(bad) as ServicePart[]).filter((name) => bad[name]);
}

export interface Headline {
  mood: Mood;
  /** Alerts of the service itself, the urgent first. */
  alerts: readonly string[];
  workersGone: boolean;
  schools: number;
  /** Lessons with a cause that no school of theirs is counted for. */
  sessions: number;
  /** Alerts of what is not counted above. */
  others: number;
}

export function headlineOf(state: WallState): Headline {
  const schools = troubledOf(state);
  const ill = [...state.sessions.values()].filter((row) => row.cause !== null);
  const told = new Set(schools.flatMap((row) => row.sessions));
  const sessions = ill.filter((row) => !told.has(row.id));
  const parts = state.city ? ailing(state.city) : [];
  const rows = [...state.alerts.values()];
  const own = rows.filter((row) => row.kind === "city");
  const named = new Set([...schools, ...ill].map((row) => row.id));
  const others = rows.filter((row) => row.kind !== "city" && !named.has(row.subject)).length;
  const alerts = urgentFirst(own, parts.map((part) => ALERTS[part]).filter((name) => name !== ""));
  const broken =
    rows.some((row) => row.kind === "city" && row.severity === "critical") ||
    parts.some((part) => part === "database" || part === "store" || part === "disk") ||
    schools.some((row) => moodOfSchool(row) === "broken") ||
    ill.some((row) => moodOf(row, true) === "broken");
  const bad = alerts.length + parts.length + schools.length + ill.length + others > 0;
  return {
    mood: broken ? "broken" : bad ? "bad" : "air",
    alerts,
    workersGone: parts.includes("workers"),
    schools: schools.length,
    sessions: sessions.length,
    others,
  };
}

function urgentFirst(own: readonly AlertRow[], seen: readonly string[]): string[] {
  const weight = (row: AlertRow): number => (row.severity === "critical" ? 0 : 1);
  const told = [...own].sort((a, b) => weight(a) - weight(b) || a.since - b.since);
  return [...new Set([...told.map((row) => row.name), ...seen])];
}
