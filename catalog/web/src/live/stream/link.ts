/**
 * A WebSocket that comes back by itself: after a close, after silence, at once when the browser is
 * online again. Says what came; keeps nothing that could not be sent.
 */
import { waitS } from "./backoff";

export interface LinkEvents {
  open(): void;
  text(text: string): void;
  binary?(data: ArrayBuffer): void;
  /** `again` is false when it will not try again. */
  closed(code: number, again: boolean): void;
}

export interface LinkOptions {
  /** Close codes after which trying again makes no sense. */
  final: readonly number[];
  /** Nothing heard for so long means that the line is gone; Infinity while silence is in order. */
  silentMs: () => number;
  mostWaitS?: number;
}

/** A server may hold a new connection back until there is something to send. */
const OPENING_MS = 20_000;
const WATCH_EVERY_MS = 1000;

export const GONE_AWAY = 4000;

/** "wss://host/live/…" for a path of this site. */
export function socketUrl(path: string): string {
  return new URL(path, window.location.href).href.replace(/^http/, "ws");
}

export class Link {
  private socket: WebSocket | undefined;
  private tries = 0;
  private retryTimer = 0;
  private readonly watchTimer: number;
  private heardAt = 0;
  private over = false;
  private readonly control = new AbortController();

  constructor(
    private readonly url: () => string,
    private readonly events: LinkEvents,
    private readonly options: LinkOptions,
  ) {
    const { signal } = this.control;
    window.addEventListener("online", () => this.now(), { signal });
    window.addEventListener("offline", () => this.drop(), { signal });
    this.watchTimer = window.setInterval(() => this.watch(), WATCH_EVERY_MS);
    this.connect();
  }

  get connected(): boolean {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /** Tries since it last worked. */
  get failures(): number {
    return this.tries;
  }

  get bufferedBytes(): number {
    return this.socket?.bufferedAmount ?? 0;
  }

  send(data: string | BufferSource): boolean {
    if (!this.connected) return false;
    this.socket?.send(data as string);
    return true;
  }

  /** What was heard makes sense: the next failure begins with a short wait again. */
  worked(): void {
    this.tries = 0;
  }

  close(code = 1000): void {
    this.over = true;
    this.control.abort();
    window.clearTimeout(this.retryTimer);
    window.clearInterval(this.watchTimer);
    this.leave(code);
  }

  private connect(): void {
    const socket = new WebSocket(this.url());
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heardAt = performance.now();
    const mine = (handle: () => void) => () => {
      if (this.socket === socket) handle();
    };
    socket.onopen = mine(() => this.events.open());
    socket.onmessage = (event: MessageEvent<string | ArrayBuffer>) => {
      if (this.socket === socket) this.heard(event.data);
    };
    socket.onclose = (event) => mine(() => this.closed(event.code))();
  }

  private heard(data: string | ArrayBuffer): void {
    this.heardAt = performance.now();
    if (typeof data === "string") this.events.text(data);
    else this.events.binary?.(data);
  }

  private closed(code: number): void {
    this.socket = undefined;
    const again = !this.over && !this.options.final.includes(code);
    if (again) {
      this.tries += 1;
      this.retryTimer = window.setTimeout(
        () => this.connect(), waitS(this.tries, Math.random(), this.options.mostWaitS) * 1000,
      );
    }
    this.events.closed(code, again);
  }

  private watch(): void {
    const limit = this.connected ? this.options.silentMs() : OPENING_MS;
    if (this.socket && performance.now() - this.heardAt > limit) this.drop();
  }

  /** Give the socket up without waiting for its goodbye, which a dead line never brings. */
  private drop(): void {
    if (!this.socket) return;
    this.leave(GONE_AWAY);
    this.closed(GONE_AWAY);
  }

  private leave(code: number): void {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close(code);
  }

  private now(): void {
    if (this.socket) return;
    window.clearTimeout(this.retryTimer);
    this.connect();
  }
}
