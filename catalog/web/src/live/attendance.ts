/** Attendance as the page shows it: rows for classrooms and people, figures of the lesson. Pure. */
import type { Attendance, Presence } from "@/api/types";
import { cityClock } from "./timetable/week";

export interface AttendanceRow {
  key: string;
  name: string;
  /** The city's time, empty for one that did not come. */
  cameAt: string;
  /** Whole minutes of the lesson; 0 is less than one. */
  minutes: number;
  hands: number;
  questions: number;
  votes: number;
}

/** Those who came first stand first; who did not come stands at the end. */
export function classroomRows(found: Attendance): AttendanceRow[] {
  const rows = found.classrooms.map((room) =>
    rowOf(room, room.school ? `${room.school.name} ${room.name}` : room.name),
  );
  return rows.sort((a, b) => Number(a.cameAt === "") - Number(b.cameAt === ""));
}

export function peopleRows(found: Attendance): AttendanceRow[] {
  return found.people.map((person) => rowOf(person, person.name));
}

export function minutesOf(seconds: number): number {
  return Math.round(seconds / 60);
}

/** Figures of the lesson as words to say, those that are nothing left out. */
export function figuresOf(found: Attendance): [key: string, named: Record<string, number>][] {
  const { counts } = found;
  const all = found.classrooms.length;
  const here = found.classrooms.filter((room) => room.first_seen).length;
  const figures: [boolean, string, Record<string, number>][] = [
    [minutesOf(found.lesson_s) > 0, "lesson", { n: minutesOf(found.lesson_s) }],
    [all > 0, "rooms", { here, all }],
    [counts.hands > 0, "hands", { n: counts.hands }],
    [counts.questions > 0, "questions", { n: counts.questions, answered: counts.answered }],
    [counts.polls > 0, "polls", { n: counts.polls }],
    [found.guests > 0, "guests", { n: found.guests }],
  ];
  return figures.filter(([shown]) => shown).map(([, key, named]) => [`attendance.${key}`, named]);
}

function rowOf(one: Presence, name: string): AttendanceRow {
  return {
    key: one.id,
    name,
    cameAt: one.first_seen ? cityClock(new Date(one.first_seen)) : "",
    minutes: minutesOf(one.present_s),
    hands: one.hands,
    questions: one.questions,
    votes: one.votes,
  };
}
