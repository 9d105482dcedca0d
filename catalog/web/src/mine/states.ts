/** How my lessons are filtered, and what can be done with one in its state. Pure. */
import type { LessonCard, LessonEvent, LessonState } from "@/api/types";

export const FILTERS = ["all", "working", "ready", "failed"] as const;
export type Filter = (typeof FILTERS)[number];

const STATES: Record<Filter, readonly LessonState[]> = {
  all: [],
  working: ["uploading", "queued", "transcoding", "playable"],
  ready: ["ready"],
  failed: ["failed"],
};

export function statesOf(filter: Filter): readonly LessonState[] {
  return STATES[filter];
}

export function filterOf(value: unknown): Filter {
  return FILTERS.find((filter) => filter === value) ?? "all";
}

export function isWatchable(lesson: LessonCard): boolean {
  return lesson.state === "playable" || lesson.state === "ready";
}

export function isWorking(lesson: LessonCard): boolean {
  return STATES.working.includes(lesson.state);
}

/** Take over what an event says; the same object when it is about another lesson. */
export function withEvent(lesson: LessonCard, event: LessonEvent): LessonCard {
  if (lesson.id !== event.id) return lesson;
  const { state, progress, eta_s, error } = event;
  return { ...lesson, state, progress, eta_s, error };
}

export type Action = "edit" | "replace" | "subtitles" | "stop" | "delete";

export function actionsFor(lesson: LessonCard): Action[] {
  const stopping: Action[] =
    lesson.state === "queued" || lesson.state === "transcoding" ? ["stop"] : [];
  return ["edit", "subtitles", "replace", ...stopping, "delete"];
}
