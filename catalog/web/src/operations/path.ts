/** Where one is: city, district, school, classroom; each step leads back. Pure. */
import type { RouteLocationRaw } from "vue-router";
import { roomsOf, type WallState } from "./wall";

export interface Step {
  /** Empty: the city. */
  text: string;
  to?: RouteLocationRaw;
}

const CITY: Step = { text: "", to: { name: "operations" } };

const step = (name: string, id: string, text: string | undefined): Step[] =>
  text === undefined ? [] : [{ text, to: { name, params: { id } } }];

function toSchool(state: WallState, id: string): Step[] {
  const school = state.schools.get(id);
  if (!school) return [];
  const district = state.districts.get(school.district);
  return [
    ...step("operations-district", school.district, district?.name),
    ...step("operations-school", id, school.name),
  ];
}

/** Nothing on the city's own view; the last step is where one is, and leads nowhere. */
export function pathTo(state: WallState, view: string, id: string): Step[] {
  const last = (steps: Step[]): Step[] =>
    steps.map((one, index) => (index === steps.length - 1 ? { text: one.text } : one));
  switch (view) {
    case "operations-district":
      return [CITY, ...last(step(view, id, state.districts.get(id)?.name))];
    case "operations-school":
      return [CITY, ...last(toSchool(state, id))];
    case "operations-session":
      return [CITY, ...last(step(view, id, state.sessions.get(id)?.title))];
    case "operations-room": {
      const room = roomsOf(state, { room: id })[0];
      return room ? [CITY, ...last([...toSchool(state, room.school), { text: room.name }])] : [CITY];
    }
    default:
      return [];
  }
}
