/** The registry's part of the API: districts, groups, schools, … all of one shape. */
import { queryString, request, type QueryValue } from "./client";
import type { Affiliation, Page, User } from "./types";

export type Kind =
  | "districts"
  | "groups"
  | "schools"
  | "classrooms"
  | "pairs"
  | "series"
  | "users";

export const registry = {
  list: <T>(kind: Kind, query: Record<string, QueryValue>, signal?: AbortSignal) =>
    request<Page<T>>("GET", `/${kind}${queryString(query)}`, { signal }),
  get: <T>(kind: Kind, id: string) => request<T>("GET", `/${kind}/${id}`),
  create: <T>(kind: Kind, body: unknown) => request<T>("POST", `/${kind}`, { body }),
  edit: <T>(kind: Kind, id: string, body: unknown) =>
    request<T>("PATCH", `/${kind}/${id}`, { body }),
  remove: (kind: Kind, id: string) => request<void>("DELETE", `/${kind}/${id}`),
  affiliate: (user: string, body: unknown) =>
    request<Affiliation | User>("POST", `/users/${user}/affiliations`, { body }),
  endAffiliation: (user: string, affiliation: string) =>
    request<void>("DELETE", `/users/${user}/affiliations/${affiliation}`),
  resetPassword: (user: string) =>
    request<{ password: string }>("POST", `/users/${user}/reset`),
};
