/**
 * Watches one <video> and reports how its viewing goes: at the first picture, every half minute, at
 * the end. Says nothing of who watches.
 */
import { Outbox } from "./outbox";
import { isEmpty, newId, reportOf, type Delivery, type Who } from "./report";
import { Viewing } from "./viewing";

const PLACE = "/qoe";
const EVERY_MS = 30_000;
const AT_THE_END = 5;

export interface Watching {
  readonly who: Who;
  by(delivery: Delivery): void;
  rung(name: string, bps: number): void;
  /** The main classroom is away (or ended, or has not begun): standing says nothing of the line. */
  away(on: boolean): void;
  close(): void;
}

const outbox = new Outbox(shelf(), post);

export function watchViewing(
  video: HTMLVideoElement,
  content: string,
  live: boolean,
  delivery: Delivery,
): Watching {
  const clock = () => performance.now();
  const who: Who = { session: newId(), content, live };
  const viewing = new Viewing(clock());
  const control = new AbortController();
  const { signal } = control;
  let way = delivery;
  let joined = false;
  let excused = false;

  function plays(): void {
    if (excused || video.paused || video.seeking || video.readyState < 3) return;
    viewing.playing(clock());
    if (joined) return;
    joined = true;
    report();
  }

  function keep(): boolean {
    const figures = viewing.take(clock());
    if (isEmpty(figures)) return false;
    outbox.add(reportOf(newId(), who, way, figures));
    return true;
  }

  function report(): void {
    keep();
    void outbox.send();
  }

  function leave(): void {
    keep();
    for (const one of outbox.newest(AT_THE_END)) {
      navigator.sendBeacon(PLACE, JSON.stringify(one));
    }
  }

  const on = (name: string, heard: () => void) => video.addEventListener(name, heard, { signal });
  const still = () => viewing.still(clock());
  on("playing", plays);
  on("timeupdate", plays);
  on("waiting", () => viewing.stalled(clock()));
  on("emptied", () => viewing.stalled(clock()));
  on("pause", still);
  on("ended", still);
  if (!live) {
    on("play", () => viewing.wished(clock()));
    // A live picture is sought by its steering, and that is no wish of the viewer.
    on("seeking", still);
  }
  window.addEventListener("pagehide", leave, { signal });
  document.addEventListener("visibilitychange", () => document.hidden && report(), { signal });
  const timer = window.setInterval(report, EVERY_MS);

  return {
    who,
    by(next) {
      if (next === way) return;
      keep();
      way = next;
    },
    rung: (name, bps) => viewing.rung(clock(), name, bps),
    away(now) {
      if (now === excused) return;
      excused = now;
      if (now) viewing.excused(clock());
      else viewing.resumed(clock());
    },
    close() {
      window.clearInterval(timer);
      control.abort();
      report();
    },
  };
}

async function post(body: string): Promise<number> {
  const headers = { "Content-Type": "application/json" };
  try {
    const sent = { method: "POST", headers, body, keepalive: true, credentials: "omit" } as const;
    return (await fetch(PLACE, sent)).status;
  } catch {
    return 0;
  }
}

function shelf(): Storage | undefined {
  try {
    return window.sessionStorage;
  } catch {
    return undefined;
  }
}
