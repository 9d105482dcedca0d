/** Tonight's plan by days, hours on the city's clock. Pure. */
import type { PlannedLesson } from "@/api/edge";
import { cityDay } from "@/ui/format";

const DAY_MS = 86_400_000;

export interface PlannedDay {
  day: string;
  when: "today" | "tomorrow" | "later";
  lessons: PlannedLesson[];
}

/** "23:00" from minutes since midnight. */
export function hourOf(minutes: number): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  return `${two((minutes / 60) % 24)}:${two(minutes % 60)}`;
}

/** The nearest day first. */
export function byDay(lessons: readonly PlannedLesson[], now: Date): PlannedDay[] {
  const today = cityDay(now);
  const tomorrow = cityDay(new Date(now.getTime() + DAY_MS));
  const days = [...new Set(lessons.map((one) => one.day))].sort();
  return days.map((day) => ({
    day,
    when: day === today ? "today" : day === tomorrow ? "tomorrow" : "later",
    lessons: lessons.filter((one) => one.day === day),
  }));
}
