/**
 * The shell between a file and the tus server. One transfer a file; it resumes where the server
 * stands, also after the tab was closed, because the address is kept in this browser.
 */
import { DetailedError, Upload, type PreviousUpload } from "tus-js-client";
import { API, csrfHeaders } from "@/api/client";
import { reasonOfRefusal } from "./check";
import type { Reason } from "./queue";

export interface TransferEvents {
  progress(sent: number): void;
  stalled(): void;
  stored(lesson: string): void;
  failed(reason: Reason): void;
}

export interface Unfinished {
  key: string;
  /** The fingerprint of its file. */
  file: string;
  name: string;
  size: number;
}

const RETRY_DELAYS_MS = [0, 1000, 3000, 5000, 10_000, 20_000, 30_000];
const PREFIX = "tongbu";

/** Same person and same file: the name under which an unfinished upload is kept. */
export function fingerprint(person: string, file: File): string {
  return [PREFIX, person, file.name, file.size, file.lastModified].join("-");
}

const BY_STATUS: Record<number, Reason> = {
  401: "signIn",
  403: "noRight",
  404: "lost",
  409: "lost",
  423: "lost",
  507: "overQuota",
};

export function reasonFor(status: number, method: string, detail: string): Reason {
  if (status === 0) return "lost";
  if (status === 413) return /quota|space/i.test(detail) ? "overQuota" : "tooLarge";
  if (status === 422) return method === "PATCH" ? reasonOfRefusal(detail) : "invalid";
  return BY_STATUS[status] ?? "server";
}

function statusOf(error: unknown): number {
  return error instanceof DetailedError ? (error.originalResponse?.getStatus() ?? 0) : 0;
}

function explain(error: unknown): Reason {
  if (!(error instanceof DetailedError)) return "read";
  const { originalRequest, originalResponse } = error;
  const detail = originalResponse?.getBody() ?? "";
  return reasonFor(statusOf(error), originalRequest?.getMethod() ?? "", detail);
}

/** Try again when nobody answered, the lock is held, or the server stumbled: not on a refusal. */
function isPassing(status: number): boolean {
  return status === 0 || status === 409 || status === 423 || status === 429 || status === 503;
}

export class Transfer {
  private readonly upload: Upload;
  private found = false;

  constructor(
    private readonly person: string,
    file: File,
    metadata: Record<string, string>,
    events: TransferEvents,
  ) {
    this.upload = new Upload(file, {
      endpoint: `${API}/uploads`,
      metadata,
      retryDelays: RETRY_DELAYS_MS,
      removeFingerprintOnSuccess: true,
      fingerprint: () => Promise.resolve(fingerprint(this.person, file)),
      onBeforeRequest: (request) => {
        for (const [name, value] of Object.entries(csrfHeaders())) request.setHeader(name, value);
      },
      onShouldRetry: (error) => {
        const again = isPassing(statusOf(error));
        if (again) events.stalled();
        return again;
      },
      onProgress: (sent) => events.progress(sent),
      onSuccess: ({ lastResponse }) => events.stored(lastResponse.getHeader("Tongbu-Lesson") ?? ""),
      onError: (error) => events.failed(explain(error)),
    });
  }

  /** Begin, or go on where an earlier try of the same file stopped. */
  async start(): Promise<void> {
    if (!this.found) {
      this.found = true;
      const before = (await this.upload.findPreviousUploads()).at(-1);
      if (before) this.upload.resumeFromPreviousUpload(before);
    }
    this.upload.start();
  }

  pause(): Promise<void> {
    return this.upload.abort(false);
  }

  /** Stop and tell the server to forget what it has. */
  cancel(): Promise<void> {
    return this.upload.abort(true).catch(() => undefined);
  }
}

/** The most that one file may have, as the server says; null when it cannot be asked. */
export async function largestFile(): Promise<number | null> {
  const answer = await fetch(`${API}/uploads`, { method: "OPTIONS" }).catch(() => undefined);
  const said = Number(answer?.headers.get("Tus-Max-Size") ?? NaN);
  return said > 0 ? said : null;
}

const STORED_KEY = /^tus::(tongbu-.*)::\d+$/;

/** Uploads of this person that an earlier visit left unfinished, newest last. */
export function unfinished(
  person: string,
  storage: Pick<Storage, "length" | "key" | "getItem">,
): Unfinished[] {
  const found: Unfinished[] = [];
  for (let index = 0; index < storage.length; index += 1) {
    const key = storage.key(index) ?? "";
    const file = STORED_KEY.exec(key)?.[1];
    if (!file?.startsWith(`${PREFIX}-${person}-`)) continue;
    const stored = readStored(storage.getItem(key));
    if (!stored) continue;
    found.push({ key, file, name: stored.metadata.filename ?? "", size: stored.size ?? 0 });
  }
  return found;
}

function readStored(text: string | null): PreviousUpload | undefined {
  try {
    const stored = JSON.parse(text ?? "null") as PreviousUpload | null;
    return stored && typeof stored.metadata === "object" ? stored : undefined;
  } catch {
    return undefined;
  }
}
