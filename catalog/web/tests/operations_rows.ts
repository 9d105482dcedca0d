/** Rows of the wall as the service sends them, all well. */
import type { AlertRow, CityRow, RoomRow, SchoolRow, SessionRow } from "@/api/types";

export const evidence = (code: string, about = "") => ({ code, figure: 4, limit: 3, unit: "s", about, since: 100 });

export const school = (id: string, more: Partial<SchoolRow> = {}): SchoolRow => ({
  id, name: `学校${id}`, district: "d1", cause: null, evidence: [], box: "telling", estimate_bps: 8e6,
  ceiling_bps: null, use_bps: 1e6, streams: 0, viewers: 0, sessions: [], rooms: 0, devices: 0,
  delay_ms: null, skew_ms: null, stalls: 0, rung: "", rungs: {}, line_bps: 8e6, ...more,
});

export const lesson = (id: string, more: Partial<SessionRow> = {}): SessionRow => ({
  id, title: `课${id}`, kind: "sync_class", since: 100, cause: null, evidence: [], rooms: 2, bad: 0,
  absent: 0, viewers: 3, rungs: { "720p": 2 }, viewers_by_rung: { "720p": 3 }, main_school: "", main_school_id: "", d_ms: 450, skew_ms: 4,
  stalls: 0, ingest_bps: 2e6, speed: 1, part_age_ms: 200, ...more,
});

export const room = (id: string, more: Partial<RoomRow> = {}): RoomRow => ({
  id, name: `教室${id}`, school: "a", session: "l1", part: "listening", state: "well", trouble: null,
  rung: "720p", delay_ms: 450, skew_ms: 4, can_ms: 380, stalls: 0, devices: 1, ...more,
});

export const alert = (name: string, more: Partial<AlertRow> = {}): AlertRow => ({
  name, severity: "warning", kind: "school", subject: "a", title: "学校a", code: "line_thin", since: 100,
  evidence: [], said: "", ...more,
});

export const CITY: CityRow = {
  checks: [{ name: "database", up: true, said: "" }, { name: "store", up: true, said: "" }],
  queues: [], workers: 1, loop_late_ms: 3, disk_free_bytes: 50, disk_size_bytes: 100, sessions: 0,
  rooms: 0, viewers: 0, schools: 0, troubled: 0, boxes: 0, boxes_telling: 0, use_bps: 0,
  delay_ms: null, skew_ms: null, stalls: 0, firing: {},
};
