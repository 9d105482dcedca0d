/** The library's state as its address says it: shareable, survives reload, back works. No DOM. */

import { valuesOf } from "@/i18n/vocabulary";

export const FACETS = ["stage", "grade", "subject", "edition", "series", "school"] as const;
export type Facet = (typeof FACETS)[number];
export const SORTS = ["relevance", "newest", "plays", "title"] as const;
export type Sort = (typeof SORTS)[number];

export interface LibraryQuery {
  q: string;
  sort: Sort | "";
  teacher: string;
  facets: Partial<Record<Facet, string>>;
}

/** Stages and grades read from the youngest up; the rest stays as the server counts it. */
export function inOrder<T extends { value: string }>(facet: Facet, values: readonly T[]): T[] {
  const known = values.filter((item) => item.value !== "");
  if (facet !== "stage" && facet !== "grade") return known;
  const order = valuesOf(facet);
  return known.sort((a, b) => order.indexOf(a.value) - order.indexOf(b.value));
}

type RouteQuery = Record<string, string | null | (string | null)[] | undefined>;

const MAX_CHARACTERS = 200;

function one(value: RouteQuery[string]): string {
  const first = Array.isArray(value) ? value[0] : value;
  return (first ?? "").trim().slice(0, MAX_CHARACTERS);
}

export function readQuery(route: RouteQuery): LibraryQuery {
  const facets: LibraryQuery["facets"] = {};
  for (const facet of FACETS) {
    const value = one(route[facet]);
    if (value) facets[facet] = value;
  }
  const sort = SORTS.find((known) => known === one(route.sort)) ?? "";
  return { q: one(route.q), sort, teacher: one(route.teacher), facets };
}

export function writeQuery(query: LibraryQuery): Record<string, string> {
  const written: Record<string, string> = { ...query.facets };
  if (query.q) written.q = query.q;
  if (query.teacher) written.teacher = query.teacher;
  if (query.sort) written.sort = query.sort;
  return written;
}

/** Choose a facet's value; choosing it again takes it away. */
export function toggled(query: LibraryQuery, facet: Facet, value: string): LibraryQuery {
  const facets = { ...query.facets };
  if (facets[facet] === value) delete facets[facet];
  else facets[facet] = value;
  return { ...query, facets };
}

export function isPlain(query: LibraryQuery): boolean {
  return !query.q && !query.teacher && Object.keys(query.facets).length === 0;
}

/** What the API is asked: newest first while nothing is searched for. */
export function apiQuery(query: LibraryQuery, limit: number): Record<string, string | number> {
  return { ...writeQuery(query), sort: query.sort || (query.q ? "relevance" : "newest"), limit };
}
