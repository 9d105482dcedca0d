/** The registry's part of the API: districts, groups, schools, … all of one shape. */
import { queryString, request, type QueryValue } from "./client";
import type {
  AddedUser,
  Affiliation,
  NewAffiliation,
  OncePassword,
  Page,
  Registry,
  User,
  UserChange,
} from "./types";

export type Kind = keyof Registry;
/** What can be chosen by its name. */
export type NamedKind = Exclude<Kind, "pairs">;
type Made<K extends Kind> = K extends "users" ? AddedUser : Registry[K];

/** Bodies of `create` and `edit` come from the fields of a form (admin/kinds.ts). */
export const registry = {
  list: <K extends Kind>(kind: K, query: Record<string, QueryValue>, signal?: AbortSignal) =>
    request<Page<Registry[K]>>("GET", `/${kind}${queryString(query)}`, { signal }),
  get: <K extends Kind>(kind: K, id: string) => request<Registry[K]>("GET", `/${kind}/${id}`),
  create: <K extends Kind>(kind: K, body: Record<string, unknown>) =>
    request<Made<K>>("POST", `/${kind}`, { body }),
  edit: <K extends Kind>(kind: K, id: string, body: Record<string, unknown>) =>
    request<Registry[K]>("PATCH", `/${kind}/${id}`, { body }),
  remove: (kind: Kind, id: string) => request<void>("DELETE", `/${kind}/${id}`),
  changeUser: (user: string, body: UserChange) =>
    request<User>("PATCH", `/users/${user}`, { body }),
  affiliate: (user: string, body: NewAffiliation) =>
    request<Affiliation>("POST", `/users/${user}/affiliations`, { body }),
  endAffiliation: (user: string, affiliation: string) =>
    request<void>("DELETE", `/users/${user}/affiliations/${affiliation}`),
  resetPassword: (user: string) =>
    request<OncePassword>("POST", `/users/${user}/reset`),
};
