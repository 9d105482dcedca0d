/** What the API says, by the words of its OpenAPI document. One file; the lead may generate it. */

export type LessonState =
  | "uploading"
  | "queued"
  | "transcoding"
  | "playable"
  | "ready"
  | "failed";

export interface Named {
  id: string;
  name: string;
}

export interface LessonCard {
  id: string;
  title: string;
  stage: string;
  grade: string;
  subject: string;
  edition: string;
  chapter: string;
  series: Named | null;
  teacher: string;
  school: Named | null;
  tags: string[];
  knowledge_points: string[];
  visibility: string;
  state: LessonState;
  progress: number;
  eta_s: number | null;
  error: { code: string; message: string } | null;
  duration_s: number | null;
  content_kind: string;
  plays: number;
  created_at: string;
  published_at: string | null;
  poster_url: string | null;
  thumbnails_url: string | null;
  can_edit: boolean;
}

export interface Rendition {
  id: string;
  name: string;
  media: "video" | "audio";
  codecs: string;
  width_px: number | null;
  height_px: number | null;
  bandwidth_bps: number;
  average_bandwidth_bps: number;
}

export interface SubtitleLink {
  language: string;
  label: string;
  url: string;
}

export interface Lesson extends LessonCard {
  description: string;
  position: number | null;
  teacher_id: string | null;
  owner_id: string | null;
  version: number;
  generation: number;
  renditions: Rendition[];
  urls: {
    hls: string | null;
    dash: string | null;
    poster: string | null;
    thumbnails: string | null;
    chapters: string | null;
    subtitles: SubtitleLink[];
  };
  next: { id: string; title: string } | null;
}

export interface FacetValue {
  value: string;
  label: string;
  count: number;
}

export interface LessonPage {
  items: LessonCard[];
  total: number;
  facets: Record<string, FacetValue[]>;
  next_cursor: string | null;
  took_ms: number;
}

export interface Suggestion {
  text: string;
  kind: string;
}

export interface LessonEvent {
  id: string;
  state: LessonState;
  progress: number;
  eta_s: number | null;
  error: { code: string; message: string } | null;
  generation: number;
}

export interface Choice {
  value: string;
  label: string;
}

export interface Me {
  person_id: string;
  name: string;
  username: string;
  roles: string[];
  affiliations: Affiliation[];
  may_upload: boolean;
  is_administrator: boolean;
  quota_bytes: number;
  used_bytes: number;
  csrf: string;
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface District extends Named {}

export interface Group extends Named {}

export interface School extends Named {
  district: Named;
  group: Named | null;
  setting: string;
}

export interface Classroom extends Named {
  school: Named;
}

export interface Pair {
  id: string;
  urban_school: Named;
  rural_school: Named;
  since: string;
  until: string | null;
}

export interface Affiliation {
  id: string;
  role: string;
  school: Named | null;
  district: Named | null;
  classroom: Named | null;
  since: string;
  until: string | null;
}

export interface User extends Named {
  username: string;
  disabled: boolean;
  quota_bytes: number;
  used_bytes: number;
  affiliations: Affiliation[];
}

export interface Series extends Named {
  programme: string;
  parent_id: string | null;
  description: string;
  lesson_count: number;
}

export interface Problem {
  title: string;
  status: number;
  detail?: string;
  request_id?: string;
  fields?: Record<string, string>;
}
