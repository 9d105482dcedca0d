/** What is taken: by what this page knows while somebody drags, and by the server's sentence. Pure. */
import type { Timed } from "./week";

export interface Taken extends Timed {
  title: string;
  /** Ids of classrooms and teachers, with their names. */
  uses: ReadonlyMap<string, string>;
}

/** The first session that has the same classroom or teacher at the time; what it is, by name. */
export function clashOf(
  wanted: Timed & { uses: ReadonlyMap<string, string> },
  others: readonly Taken[],
): { what: string; title: string } | undefined {
  for (const other of others) {
    if (other.id === wanted.id) continue;
    if (other.startsMs >= wanted.endsMs || other.endsMs <= wanted.startsMs) continue;
    for (const [id, name] of wanted.uses) {
      if (other.uses.has(id)) return { what: name, title: other.title };
    }
  }
  return undefined;
}

export type Refusal =
  | { kind: "clash"; what: string; day: string; time: string; title: string }
  | { kind: "full"; pictures: number }
  | { kind: "other" };

const CLASH = /^(.{1,200}?) is taken on (\d{4}-\d{2}-\d{2}) at (\d{2}:\d{2}) by “(.{0,300}?)” \(/;
const FULL = /carries (\d{1,6}) pictures at once/;

/** What a 409 of a booking says (catalog/db/sessions_booking.py); the first of several clashes. */
export function readRefusal(detail: string): Refusal {
  const clash = CLASH.exec(detail.slice(0, 2000));
  if (clash) {
    const [, what = "", day = "", time = "", title = ""] = clash;
    return { kind: "clash", what, day, time, title };
  }
  const full = FULL.exec(detail.slice(0, 2000));
  return full ? { kind: "full", pictures: Number(full[1]) } : { kind: "other" };
}
