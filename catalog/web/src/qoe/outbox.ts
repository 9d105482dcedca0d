/**
 * Reports on their way: kept in this tab until they were taken, the newest MOST_KEPT of them. One that
 * was sent and not heard of goes again with the same id, and counts once.
 */
import type { Report } from "./report";

export const MOST_KEPT = 50;
const KEY = "tongbu.qoe";
const LATER = new Set([404, 408, 425, 429]);

export interface Shelf {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

/** Sends one and gives the status; 0 when no answer came. */
export type Post = (body: string) => Promise<number>;

export class Outbox {
  private waiting: Report[];
  private busy = false;

  constructor(
    private readonly shelf: Shelf | undefined,
    private readonly post: Post,
  ) {
    this.waiting = read(shelf);
  }

  get size(): number {
    return this.waiting.length;
  }

  add(report: Report): void {
    this.waiting = [...this.waiting, report].slice(-MOST_KEPT);
    this.save();
  }

  /** The newest, to be sent while the page goes. */
  newest(most: number): Report[] {
    return this.waiting.slice(-most);
  }

  async send(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (let first = this.waiting[0]; first; first = this.waiting[0]) {
        const status = await this.post(JSON.stringify(first));
        if (status < 200 || status >= 500 || LATER.has(status)) return;
        const { id } = first;
        this.waiting = this.waiting.filter((report) => report.id !== id);
        this.save();
      }
    } finally {
      this.busy = false;
    }
  }

  private save(): void {
    try {
      this.shelf?.setItem(KEY, JSON.stringify(this.waiting));
    } catch {
      // They are then kept as long as the page is.
    }
  }
}

function read(shelf: Shelf | undefined): Report[] {
  try {
    const found: unknown = JSON.parse(shelf?.getItem(KEY) ?? "[]");
    if (!Array.isArray(found)) return [];
    return found.filter((one): one is Report => typeof one?.id === "string").slice(-MOST_KEPT);
  } catch {
    return [];
  }
}
