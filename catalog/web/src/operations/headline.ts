/** The largest line of the wall: what is wrong with the service, with schools, with lessons. Pure. */
import type { EvidenceRow } from "@/api/types";
import { moodOf, moodOfSchool, troubledOf, type Mood, type WallState } from "./wall";

export interface Headline {
  mood: Mood;
  /** Alerts of the service itself, the urgent first. */
  alerts: readonly string[];
  workersGone: boolean;
  /** Those whose trouble is not a lesson's that is counted below. */
  schools: number;
  sessions: number;
  /** Alerts of what is not counted above. */
  others: number;
}

export function headlineOf(state: WallState): Headline {
  const sick = [...state.sessions.values()].filter((row) => row.cause !== null);
  const ill = sick.filter((row) => !isOfService(row));
  const told = new Set(sick.map((row) => row.id));
  const troubled = troubledOf(state);
  const schools = troubled.filter(
    (row) => !isOfService(row) && !told.has(row.evidence[0]?.about ?? ""),
  );
  const named = new Set([...troubled, ...sick].map((row) => row.id));
  const others = [...state.alerts.values()]
    .filter((row) => row.kind !== "city" && !named.has(row.subject)).length;
  const firing = state.city?.firing ?? {};
  const alerts = Object.keys(firing);
  const workersGone = state.city?.workers === 0;
  const broken =
    Object.values(firing).includes("critical") ||
    troubled.some((row) => moodOfSchool(row) === "broken") ||
    sick.some((row) => moodOf(row, true) === "broken");
  const bad = workersGone || alerts.length + schools.length + ill.length + others > 0;
  return {
    mood: broken ? "broken" : bad ? "bad" : "air",
    alerts,
    workersGone,
    schools: schools.length,
    sessions: ill.length,
    others,
  };
}

/** What suffers because the whole service is busy is not counted beside that. */
const isOfService = (row: { evidence: readonly EvidenceRow[] }): boolean =>
  row.evidence[0]?.code === "origin_busy";
