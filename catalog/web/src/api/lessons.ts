/** The lessons' part of the API. */
import { queryString, request, type QueryValue } from "./client";
import type { Lesson, LessonChanges, LessonPage, Suggestions } from "./types";

export type LessonQuery = Record<string, QueryValue>;

export const lessons = {
  list: (query: LessonQuery, signal?: AbortSignal) =>
    request<LessonPage>("GET", `/lessons${queryString(query)}`, { signal }),
  suggest: (q: string, signal?: AbortSignal) =>
    request<Suggestions>("GET", `/lessons/suggest${queryString({ q })}`, {
      signal,
    }),
  get: (id: string, signal?: AbortSignal) =>
    request<Lesson>("GET", `/lessons/${id}`, { signal }),
  edit: (id: string, change: LessonChanges) =>
    request<Lesson>("PATCH", `/lessons/${id}`, { body: change }),
  remove: (id: string) => request<void>("DELETE", `/lessons/${id}`),
  restore: (id: string) => request<void>("POST", `/lessons/${id}/restore`),
  retry: (id: string) => request<void>("POST", `/lessons/${id}/retry`),
  cancel: (id: string) => request<void>("POST", `/lessons/${id}/cancel`),
  countPlay: (id: string) => request<void>("POST", `/lessons/${id}/play`),
  putSubtitles: (id: string, language: string, label: string, file: Blob, type: string) =>
    request<void>("PUT", `/lessons/${id}/subtitles/${language}${queryString({ label })}`, {
      raw: { data: file, type },
    }),
  removeSubtitles: (id: string, language: string) =>
    request<void>("DELETE", `/lessons/${id}/subtitles/${language}`),
};
