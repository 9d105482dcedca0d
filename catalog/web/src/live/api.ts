/** The sessions' part of the API. */
import { API, queryString, request, type QueryValue } from "@/api/client";
import type { Attendance, Named, Page } from "@/api/types";

export type SessionKind = "sync_class" | "open_class" | "guided_qa" | "research" | "paired_lesson";
export type SessionState =
  | "scheduled" | "waiting" | "live" | "ended" | "recorded" | "cancelled" | "failed";

export const KINDS: readonly SessionKind[] = [
  "sync_class", "open_class", "guided_qa", "research", "paired_lesson",
];

export interface SessionRoom extends Named {
  school: Named;
  part: "main" | "second" | "listening";
}

export interface LiveUrls {
  hls: string;
  stream: string;
  room: string;
  second_hls: string | null;
  second_stream: string | null;
}

export interface Session {
  id: string;
  title: string;
  kind: SessionKind;
  state: SessionState;
  starts_at: string;
  duration_s: number;
  open_to_all: boolean;
  school: Named | null;
  rooms: SessionRoom[];
  people: (Named & { part: string })[];
  lesson: string | null;
  role: string | null;
  can_run: boolean;
  urls: LiveUrls;
  ingest: Ingest | null;
  second_ingest: Ingest | null;
}

/** Feeds that a session's own people publish; the floor is given in the room. */
export type MainFeed = "main" | "second";

export interface Ingest {
  rtmp: { server: string; key: string } | null;
  srt: string | null;
  browser: string;
}

export interface SessionDraft {
  title: string;
  kind: SessionKind;
  main_classroom: string | null;
  second_classroom: string | null;
  listening_classrooms: string[];
  starts_at: string;
  duration_s: number;
  open_to_all: boolean;
}

export interface Term extends Named {
  weeks: number;
  this_week: number | null;
  first_day: string;
  periods: { starts: string; duration_s: number }[];
}

export type Parity = "every" | "odd" | "even";

/** What recurs: the draft of each lesson without its time, and where in the term it stands. */
export interface TimetableDraft extends Omit<SessionDraft, "starts_at" | "duration_s"> {
  term: string;
  weekday: number;
  period: number;
  first_week: number;
  last_week: number;
  parity: Parity;
}

export interface ClassroomNow {
  classroom: Named & { school: Named };
  now: string;
  version: string;
  current: Session | null;
  next: Session | null;
  sessions: Session[];
}

export const sessions = {
  list: (query: Record<string, QueryValue>, signal?: AbortSignal) =>
    request<Page<Session>>("GET", `/sessions${queryString(query)}`, { signal }),
  get: (id: string, signal?: AbortSignal) => request<Session>("GET", `/sessions/${id}`, { signal }),
  book: (draft: SessionDraft) => request<Session>("POST", "/sessions", { body: draft }),
  change: (id: string, change: Partial<SessionDraft>) =>
    request<Session>("PATCH", `/sessions/${id}`, { body: change }),
  cancel: (id: string) => request<void>("POST", `/sessions/${id}/cancel`),
  end: (id: string) => request<void>("POST", `/sessions/${id}/end`),
  pullCamera: (id: string, feed: MainFeed, url: string) =>
    request<void>("POST", `/sessions/${id}/camera`, { body: { url, feed } }),
  stopCamera: (id: string, feed: MainFeed) =>
    request<void>("DELETE", `/sessions/${id}/camera${queryString({ feed })}`),
  attendance: (id: string, signal?: AbortSignal) =>
    request<Attendance>("GET", `/sessions/${id}/attendance`, { signal }),
  /** Where a browser saves the attendance as a table for spreadsheets. */
  attendanceTable: (id: string) => `${API}/sessions/${id}/attendance?format=csv`,
  terms: (school: string) => request<Page<Term>>("GET", `/terms${queryString({ school })}`),
  bookMany: (draft: TimetableDraft) =>
    request<{ sessions: number }>("POST", "/timetables", { body: draft }),
  /** With `seen`, the answer comes when there is news, or after `waitS`. */
  classroomNow: (seen: string, waitS: number, signal?: AbortSignal) =>
    request<ClassroomNow>("GET", `/classroom/now${queryString({ seen, wait_s: waitS })}`, { signal }),
};
