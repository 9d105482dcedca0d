/** A person's affiliations in the order of a life: those that hold first, then the past. Pure. */
import type { Affiliation } from "@/api/types";

export type Standing = "now" | "future" | "past";

export function standing(item: Affiliation, today: string): Standing {
  if (item.since > today) return "future";
  return item.until !== null && item.until <= today ? "past" : "now";
}

const ORDER: Record<Standing, number> = { future: 0, now: 1, past: 2 };

export function timeline(
  items: readonly Affiliation[],
  today: string,
): (Affiliation & { standing: Standing })[] {
  return items
    .map((item) => ({ ...item, standing: standing(item, today) }))
    .sort((a, b) => ORDER[a.standing] - ORDER[b.standing] || b.since.localeCompare(a.since));
}

/** What place a role is held at; an administrator holds it everywhere. */
export function placeFor(role: string): "district" | "school" | "classroom" | "" {
  if (role === "administrator") return "";
  if (role === "district") return "district";
  return role === "classroom" ? "classroom" : "school";
}
