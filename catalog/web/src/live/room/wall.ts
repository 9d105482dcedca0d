/** Rows of the teacher's wall: who is invited, who is here, and who has trouble. Pure. */
import type { SessionRoom } from "../api";
import type { Health, Member } from "./state";

export type RowState = "fine" | "late" | "away" | "absent";

export interface WallRow {
  key: string;
  name: string;
  state: RowState;
  health: Health | undefined;
}

const ORDER: Record<RowState, number> = { away: 0, late: 1, fine: 2, absent: 3 };

/** A classroom in the room carries its school's and its own name; so an invited one is known. */
export function wallRows(
  members: Readonly<Record<string, Member>>,
  health: Readonly<Record<string, Health>>,
  invited: readonly SessionRoom[],
): WallRow[] {
  const rows = Object.entries(members)
    .filter(([, member]) => member.role === "classroom" || member.role === "speaker")
    .map(([id, member]) => rowOf(id, member, health[id]));
  const missing = invited
    .filter((room) => room.part === "listening")
    .map((room) => `${room.school.name} ${room.name}`)
    .filter((name) => !rows.some((row) => row.name === name));
  for (const name of missing) rows.push({ key: name, name, state: "absent", health: undefined });
  return rows.sort((a, b) => ORDER[a.state] - ORDER[b.state]);
}

function rowOf(id: string, member: Member, health: Health | undefined): WallRow {
  const late = member.late || health?.late === true;
  const state: RowState = !member.here ? "away" : late ? "late" : "fine";
  return { key: id, name: member.name, state, health };
}

/** Words and number of a row's figure; before the first report there is none. */
export function figure(name: "delay" | "skew", ms: number | null): [key: string, named: { n: number }] {
  return ms === null ? [`wall.${name}Unknown`, { n: 0 }] : [`wall.${name}`, { n: Math.abs(ms) }];
}
