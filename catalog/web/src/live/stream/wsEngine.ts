/**
 * CMAF fragments over a WebSocket into Media Source: the quickest way. Keeps the media source over
 * reconnects, because media time is absolute; makes a new one when tracks come or go.
 */
import { Reach } from "../sync/reach";
import { Appender, type Track } from "./appender";
import { AUTO } from "./choices";
import { mediaSourceKind, type Engine, type EngineEvents } from "./engine";
import { startOf } from "./fragment";
import { Link, socketUrl } from "./link";
import {
  BadMessage,
  readMedia,
  readText,
  type Hello,
  type MediaMessage,
  type StreamRendition,
  type TextMessage,
} from "./messages";

const SILENT_MS = 5000;
const GIVE_UP_AFTER = 4;
const MOST_BACKLOG = 200;
/** A feed that has not begun answers 404; who waits for the floor waits no longer than this. */
const MOST_WAIT_S = 3;

export class WsEngine implements Engine {
  readonly kind = "ws";
  private readonly link: Link;
  private readonly reach = new Reach();
  private hello: Hello | undefined;
  private source: MediaSource | undefined;
  private appender: Appender | undefined;
  private backlog: MediaMessage[] = [];
  /** Newest initialization section of each rendition; which one a track was begun with. */
  private readonly inits = new Map<number, Uint8Array>();
  private readonly begun = new Map<Track, number>();
  private url = "";
  private video = 0;
  private asked = AUTO;
  private everHello = false;
  private flows = true;

  constructor(
    private readonly element: HTMLVideoElement,
    path: () => string,
    /** Undefined too while no WebSocket to the room works: then this one may be useless as well. */
    private readonly serverNow: () => number | undefined,
    private readonly events: EngineEvents,
  ) {
    this.link = new Link(
      () => socketUrl(path()),
      {
        open: () => undefined,
        text: (text) => this.guarded(() => this.said(readText(text))),
        binary: (data) => this.guarded(() => this.media(readMedia(data))),
        closed: () => this.closed(),
      },
      {
        final: [],
        // While the main classroom is away nothing comes, and nothing is wrong with this line.
        silentMs: () => (this.flows ? SILENT_MS : Infinity),
        mostWaitS: MOST_WAIT_S,
      },
    );
  }

  anchor(): number | undefined {
    return this.hello?.anchor;
  }

  canS(): number | undefined {
    return this.reach.canS();
  }

  usualS(): number | undefined {
    return this.reach.usualS();
  }

  rungs(): readonly string[] {
    const pictures = this.hello?.renditions.filter((one) => one.media === "video") ?? [];
    return [...pictures].sort((a, b) => b.bandwidth - a.bandwidth).map((one) => one.name);
  }

  current(): string {
    return this.byId(this.video)?.name ?? "";
  }

  bps(): number {
    const { audio = 0 } = this.hello ?? {};
    return [this.video, audio].reduce((sum, id) => sum + (this.byId(id)?.bandwidth ?? 0), 0);
  }

  soundAlone(): boolean {
    return this.hello?.renditions.some((one) => one.media === "audio") === true;
  }

  choose(name: string): void {
    this.asked = name;
    this.link.send(JSON.stringify({ type: "rung", name }));
  }

  destroy(): void {
    this.link.close();
    this.detach();
    this.element.removeAttribute("src");
    this.element.load();
  }

  /** What is not as agreed ends this connection, not the page. */
  private guarded(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      if (!(error instanceof BadMessage)) this.rebuild();
    }
  }

  private closed(): void {
    const useless = !this.everHello && this.link.failures >= GIVE_UP_AFTER;
    if (useless && this.serverNow() === undefined) this.events.unusable();
    else if (this.everHello) this.events.broken();
  }

  private said(message: TextMessage): void {
    switch (message.type) {
      case "hello": return this.greeted(message);
      case "anchor":
        if (this.hello) this.hello.anchor = message.anchor;
        return;
      case "rung": return this.switched(message.video);
      case "skipped": return this.reach.restart();
      case "state":
        this.flows = message.state === "live";
        // The last frame before an absence comes with the first one after it.
        this.reach.restart();
        if (message.state === "ended") this.link.close();
        return this.events.source(message.state);
      case "other": return;
    }
  }

  private greeted(hello: Hello): void {
    const before = this.hello && this.tracks();
    this.hello = hello;
    this.video = hello.video;
    this.everHello = true;
    this.link.worked();
    if (this.asked !== AUTO) this.choose(this.asked);
    this.reach.restart();
    this.events.rung(this.current());
    if (!this.source || String(before) !== String(this.tracks()) || this.element.error) {
      this.rebuild();
    }
  }

  private switched(video: number): void {
    const before = String(this.tracks());
    this.video = video;
    this.events.rung(this.current());
    if (before !== String(this.tracks())) this.rebuild();
  }

  private tracks(): Track[] {
    const { audio = 0 } = this.hello ?? {};
    return [...(this.video ? ["video" as const] : []), ...(audio ? ["audio" as const] : [])];
  }

  private byId(id: number): StreamRendition | undefined {
    return this.hello?.renditions.find((one) => one.id === id);
  }

  private media(message: MediaMessage): void {
    const rendition = this.byId(message.rendition);
    if (!rendition) return;
    this.measure(message, rendition);
    if (message.kind === "init") {
      this.inits.set(rendition.id, message.body);
      if (this.begun.get(rendition.media) === rendition.id) this.begun.delete(rendition.media);
    } else if (this.appender) this.append(this.appender, message, rendition);
    else if (this.backlog.length < MOST_BACKLOG) this.backlog.push(message);
  }

  private append(appender: Appender, message: MediaMessage, rendition: StreamRendition): void {
    const { id, media } = rendition;
    const standsAlone = message.kind !== "delta";
    if (this.begun.get(media) !== id) {
      const init = this.inits.get(id);
      if (!init || !standsAlone) return;
      this.begun.set(media, id);
      appender.init(media, init, mime(rendition));
    }
    appender.fragment(media, message.body, standsAlone);
    this.events.flowing();
  }

  private measure(message: MediaMessage, rendition: StreamRendition): void {
    const now = this.serverNow();
    if (message.kind === "init" || now === undefined) return;
    const start = startOf(message.body);
    if (start === undefined || !this.hello) return;
    this.reach.arrived(now, this.hello.anchor + start / rendition.timescale);
  }

  /** A fresh media source; goes on with the next keyframe. */
  private rebuild(): void {
    this.detach();
    const Kind = mediaSourceKind();
    if (!Kind || !this.hello) return;
    const source = new Kind();
    this.source = source;
    this.url = URL.createObjectURL(source);
    source.addEventListener("sourceopen", () => this.opened(source), { once: true });
    this.element.disableRemotePlayback = true;
    this.element.src = this.url;
  }

  private opened(source: MediaSource): void {
    if (this.source !== source || !this.hello) return;
    source.duration = Infinity;
    const appender = new Appender(() => this.element.currentTime);
    for (const track of this.tracks()) {
      const rendition = this.byId(track === "video" ? this.video : this.hello.audio);
      if (!rendition) continue;
      const sink = source.addSourceBuffer(mime(rendition));
      appender.open(track, sink, mime(rendition));
      sink.addEventListener("updateend", () => this.guarded(() => appender.updated(track)));
    }
    this.appender = appender;
    const waiting = this.backlog;
    this.backlog = [];
    for (const message of waiting) this.guarded(() => this.media(message));
  }

  private detach(): void {
    this.appender = undefined;
    this.backlog = [];
    this.begun.clear();
    this.source = undefined;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = "";
  }
}

function mime(rendition: StreamRendition): string {
  return `${rendition.media}/mp4; codecs="${rendition.codecs}"`;
}
