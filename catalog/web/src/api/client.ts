/**
 * Requests to /api/v1: JSON in and out, problem+json as ApiError, CSRF on unsafe methods.
 * status 0 means that no answer came (offline, server away). A box in a school answers for the city
 * while its line is cut, and says so in a header.
 */
import { ref } from "vue";
import type { Problem } from "./types";

export const API = "/api/v1";
const SAFE = new Set(["GET", "HEAD"]);
const LINE_HEADER = "Tongbu-Line";
/** An answer that takes longer is none, where a page has something to say about it. */
export const ANSWER_LIMIT_MS = 6000;
const LINE_DOWN = "the line to the city is down";

/** The last answer was kept from before the line between the school and the city was cut. */
export const lineDown = ref(false);

export class ApiError extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly fields: Record<string, string> = {},
    readonly requestId = "",
  ) {
    super(detail);
  }

  get offline(): boolean {
    return this.status === 0;
  }

  get lineDown(): boolean {
    return this.status === 503 && this.message.startsWith(LINE_DOWN);
  }
}

let csrf = "";

export function useCsrf(value: string): void {
  csrf = value;
}

export function csrfHeaders(): Record<string, string> {
  return csrf ? { "X-CSRF-Token": csrf } : {};
}

export interface RequestOptions {
  body?: unknown;
  raw?: { data: BodyInit; type: string };
  signal?: AbortSignal | undefined;
}

export async function request<T>(
  method: string,
  path: string,
  options: RequestOptions = {},
): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (!SAFE.has(method)) Object.assign(headers, csrfHeaders());
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (options.signal) init.signal = options.signal;
  if (options.raw) {
    headers["Content-Type"] = options.raw.type;
    init.body = options.raw.data;
  } else if (options.body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(options.body);
  }
  const answer = await send(API + path, init);
  // A refusal for want of anything kept says nothing of what is shown.
  if (answer.status !== 503) lineDown.value = answer.headers.get(LINE_HEADER) === "down";
  return readAnswer<T>(answer);
}

/** GET an address outside of the API. */
export async function getJson(url: string, signal: AbortSignal): Promise<unknown> {
  return readAnswer(await send(url, { headers: { Accept: "application/json" }, signal }));
}

async function send(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(0, "");
  }
}

async function readAnswer<T>(response: Response): Promise<T> {
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204 || response.headers.get("Content-Length") === "0") {
    return undefined as T;
  }
  return (await response.json()) as T;
}

async function problemOf(response: Response): Promise<ApiError> {
  let problem: Partial<Problem> = {};
  try {
    problem = (await response.json()) as Problem;
  } catch {
    // A proxy in front may answer in HTML; the status alone has to do then.
  }
  return new ApiError(
    response.status,
    problem.detail ?? problem.title ?? "",
    problem.fields ?? {},
    problem.request_id ?? "",
  );
}

export type QueryValue = string | number | boolean | null | undefined | readonly string[];

/** Build "?a=1&b=2" from what is set; empty when nothing is. */
export function queryString(values: Record<string, QueryValue>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === "" || value === false) continue;
    if (Array.isArray(value)) for (const item of value) search.append(name, item);
    else search.set(name, value === true ? "1" : String(value));
  }
  const text = search.toString();
  return text ? `?${text}` : "";
}
