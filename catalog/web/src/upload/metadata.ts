/** The lesson's details as the form holds them, and what is sent of them. No DOM. */
import type { LessonCard, LessonChanges } from "@/api/types";
import { guessFrom, type Words } from "./filename";

export interface Details {
  title: string;
  teacher: string;
  stage: string;
  grade: string;
  subject: string;
  edition: string;
  chapter: string;
  series: string;
  tags: string;
  visibility: string;
}

export const EMPTY_DETAILS: Details = {
  title: "",
  teacher: "",
  stage: "",
  grade: "",
  subject: "",
  edition: "",
  chapter: "",
  series: "",
  tags: "",
  visibility: "public",
};

export const LONGEST_TITLE = 200;
const SHARED = ["teacher", "stage", "grade", "subject", "edition", "series", "visibility"] as const;

export function stageOf(grade: string): string {
  const number = Number(/^g(\d+)$/.exec(grade)?.[1] ?? NaN);
  if (Number.isNaN(number)) return "";
  if (number <= 6) return "primary";
  return number <= 9 ? "junior" : "senior";
}

/** What a new lesson probably shares with the teacher's last one. */
export function fromLast(last: LessonCard | undefined, teacher: string): Details {
  if (!last) return { ...EMPTY_DETAILS, teacher };
  return {
    ...EMPTY_DETAILS,
    teacher: last.teacher || teacher,
    stage: last.stage,
    grade: last.grade,
    subject: last.subject,
    edition: last.edition,
    series: last.series?.id ?? "",
    visibility: last.visibility || "public",
  };
}

/** The file name knows best, then the last lesson. A grade that was read decides the stage. */
export function prefill(fileName: string, last: Details, words: Words): Details {
  const guess = guessFrom(fileName, words);
  const grade = guess.grade ?? (guess.stage && guess.stage !== last.stage ? "" : last.grade);
  return {
    ...last,
    ...guess,
    title: guess.title.slice(0, LONGEST_TITLE),
    grade,
    stage: (guess.grade && stageOf(guess.grade)) || guess.stage || last.stage,
  };
}

export function splitList(text: string): string[] {
  const parts = text.split(/[,，、;；\n]/).map((part) => part.trim());
  return [...new Set(parts.filter(Boolean))];
}

/** What goes along with the upload; empty values are left out. */
export function uploadMetadata(fileName: string, details: Details): Record<string, string> {
  const all = { filename: fileName, ...details, tags: splitList(details.tags).join(",") };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== ""));
}

/** Fields that were changed since `sent`, as the API's PATCH takes them. */
export function changes(sent: Details, now: Details): LessonChanges {
  const changed: LessonChanges = {};
  for (const key of Object.keys(now) as (keyof Details)[]) {
    if (sent[key] === now[key]) continue;
    if (key === "tags") changed.tags = splitList(now.tags);
    else if (key === "series") changed.series_id = now.series || null;
    else changed[key] = now[key];
  }
  return changed;
}

/** Take over what lessons of one batch have in common; titles and chapters stay. */
export function shared(from: Details, into: Details): Details {
  const copy = { ...into };
  for (const key of SHARED) copy[key] = from[key];
  return copy;
}
