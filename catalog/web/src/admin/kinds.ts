/** The registry's kinds as the administration shows them: columns, fields, what is sent. Pure. */
import type { Kind, NamedKind } from "@/api/registry";
import type { Classroom, Named, Pair, School, Series, User } from "@/api/types";
import type { WordKind } from "@/i18n/vocabulary";

export type Value = string | Named | null;
export type Values = Record<string, Value>;
export type Row = { id: string };

export type Field = {
  name: string;
  label: string;
  required?: boolean;
  /** When it can be set: both, unless the thing keeps it for life. */
  only?: "new";
} & (
  | { type: "text" | "area"; max: number }
  | { type: "date" }
  | { type: "words"; words: WordKind }
  | { type: "ref"; of: NamedKind }
);

export interface Column {
  label: string;
  text: (row: never) => string;
  words?: WordKind;
  day?: boolean;
}

export interface KindView {
  kind: Kind;
  columns: readonly Column[];
  fields: readonly Field[];
  nameOf: (row: never) => string;
  read: (row: never) => Values;
}

const NAME_MAX = 100;
const name: Field = { name: "name", label: "name", type: "text", max: NAME_MAX, required: true };
const nameColumn: Column = { label: "name", text: (row: Named) => row.name };

function named(kind: Kind): KindView {
  return {
    kind,
    columns: [nameColumn],
    fields: [name],
    nameOf: (row: Named) => row.name,
    read: (row: Named) => ({ name: row.name }),
  };
}

const schools: KindView = {
  kind: "schools",
  columns: [
    nameColumn,
    { label: "district", text: (row: School) => row.district.name },
    { label: "group", text: (row: School) => row.group?.name ?? "" },
    { label: "setting", text: (row: School) => row.setting, words: "setting" },
  ],
  fields: [
    name,
    { name: "district", label: "district", type: "ref", of: "districts", required: true },
    { name: "group", label: "group", type: "ref", of: "groups" },
    { name: "setting", label: "setting", type: "words", words: "setting", required: true },
  ],
  nameOf: (row: School) => row.name,
  read: (row: School) => ({
    name: row.name,
    district: row.district,
    group: row.group,
    setting: row.setting,
  }),
};

const classrooms: KindView = {
  kind: "classrooms",
  columns: [nameColumn, { label: "school", text: (row: Classroom) => row.school.name }],
  fields: [
    name,
    { name: "school", label: "school", type: "ref", of: "schools", required: true, only: "new" },
  ],
  nameOf: (row: Classroom) => row.name,
  read: (row: Classroom) => ({ name: row.name, school: row.school }),
};

const pairs: KindView = {
  kind: "pairs",
  columns: [
    { label: "urban", text: (row: Pair) => row.urban_school.name },
    { label: "rural", text: (row: Pair) => row.rural_school.name },
    { label: "since", text: (row: Pair) => row.since, day: true },
    { label: "until", text: (row: Pair) => row.until ?? "", day: true },
  ],
  fields: [
    { name: "urban_school", label: "urban", type: "ref", of: "schools", required: true, only: "new" },
    { name: "rural_school", label: "rural", type: "ref", of: "schools", required: true, only: "new" },
    { name: "since", label: "since", type: "date" },
    { name: "until", label: "until", type: "date" },
  ],
  nameOf: (row: Pair) => `${row.urban_school.name} — ${row.rural_school.name}`,
  read: (row: Pair) => ({
    urban_school: row.urban_school,
    rural_school: row.rural_school,
    since: row.since,
    until: row.until,
  }),
};

const series: KindView = {
  kind: "series",
  columns: [
    nameColumn,
    { label: "programme", text: (row: Series) => row.programme },
    { label: "lessons", text: (row: Series) => String(row.lesson_count) },
  ],
  fields: [
    name,
    { name: "programme", label: "programme", type: "text", max: NAME_MAX },
    { name: "parent_id", label: "parent", type: "ref", of: "series" },
    { name: "description", label: "description", type: "area", max: 4000 },
  ],
  nameOf: (row: Series) => row.name,
  read: (row: Series) => ({
    name: row.name,
    programme: row.programme,
    parent_id: row.parent_id ? { id: row.parent_id, name: "" } : null,
    description: row.description,
  }),
};

const users: KindView = {
  kind: "users",
  columns: [
    { label: "personName", text: (row: User) => row.name },
    { label: "username", text: (row: User) => row.username },
  ],
  fields: [
    { name: "name", label: "personName", type: "text", max: NAME_MAX, required: true },
    { name: "username", label: "username", type: "text", max: 64, required: true, only: "new" },
  ],
  nameOf: (row: User) => row.name,
  read: (row: User) => ({ name: row.name, username: row.username }),
};

export const VIEWS: readonly KindView[] = [
  schools,
  classrooms,
  users,
  pairs,
  named("groups"),
  named("districts"),
  series,
];

export function viewOf(kind: string): KindView {
  return VIEWS.find((view) => view.kind === kind) ?? schools;
}

export function emptyValues(view: KindView): Values {
  return Object.fromEntries(view.fields.map((field) => [field.name, field.type === "ref" ? null : ""]));
}

/** What is sent for a field: a place by its id, no date as null. */
function sent(field: Field, value: Value): unknown {
  if (field.type === "ref") return (value as Named | null)?.id ?? null;
  if (field.type === "date") return value || null;
  return typeof value === "string" ? value.trim() : value;
}

/** The body of a POST: everything that is set. */
export function bodyOfNew(view: KindView, values: Values): Record<string, unknown> {
  const pairs = view.fields.map((field) => [field.name, sent(field, values[field.name] ?? null)]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== null && value !== ""));
}

/** The body of a PATCH: only what was changed and may be. */
export function bodyOfChange(view: KindView, before: Values, now: Values): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const field of view.fields) {
    if (field.only === "new") continue;
    const value = sent(field, now[field.name] ?? null);
    if (value !== sent(field, before[field.name] ?? null)) body[field.name] = value;
  }
  return body;
}

/** Required fields that are still empty, with the message that the server would give. */
export function missing(view: KindView, values: Values): Record<string, string> {
  const empty = view.fields.filter((field) => field.required && !sent(field, values[field.name] ?? null));
  return Object.fromEntries(empty.map((field) => [field.name, "missing"]));
}
