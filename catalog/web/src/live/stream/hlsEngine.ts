/**
 * LL-HLS where the WebSocket or Media Source is missing, and for going back in time: by hls.js
 * (loaded when needed) or by the browser itself. Delay is held by the same controller as elsewhere.
 */
import type Hls from "hls.js";
import type { ErrorData, HlsConfig, LevelDetails } from "hls.js";
import { cmcdSetup, nowOf } from "@/qoe/cmcd";
import type { Who } from "@/qoe/report";
import { AUTO } from "./choices";
import type { Engine, EngineEvents } from "./engine";
import { patient } from "./patientLoader";
import { soughtIn, Standstill, type Piece } from "./standstill";

const RETRY_MS = 2000;
const LOOK_EVERY_MS = 500;
const BACK_BUFFER_S = 30;
/** What hls.js can hold with parts of 200 ms (measured 0.58 s at rest, with a margin). */
const HOLDS_S = 0.75;
/** The browser's own player keeps to the playlist's hold-back. */
const NATIVE_HOLDS_S = 2;

const CONFIG: Partial<HlsConfig> = {
  enableWorker: false,
  lowLatencyMode: true,
  backBufferLength: BACK_BUFFER_S,
  capLevelToPlayerSize: true,
};

export interface Rewindable extends Engine {
  /** Unix seconds of the first and the newest moment that can be played. */
  span(): { from: number; to: number } | undefined;
  seekTo(capture: number): void;
}

export async function openHls(
  element: HTMLVideoElement,
  url: string,
  events: EngineEvents,
  who?: Who,
): Promise<Rewindable | undefined> {
  const { default: Player } = await import("hls.js");
  if (Player.isSupported()) return new HlsEngine(Player, element, url, events, who);
  if (element.canPlayType("application/vnd.apple.mpegurl")) {
    return new NativeEngine(element, url, events);
  }
  return undefined;
}

class HlsEngine implements Rewindable {
  readonly kind = "hls";
  private readonly hls: Hls;
  private readonly standstill = new Standstill();
  private readonly lookTimer: number;
  private sound: LevelDetails | undefined;
  private retryTimer = 0;
  private wish: number | undefined;
  private asked = AUTO;

  constructor(
    private readonly Player: typeof Hls,
    private readonly element: HTMLVideoElement,
    url: string,
    private readonly events: EngineEvents,
    who: Who | undefined,
  ) {
    this.hls = new Player({
      ...CONFIG,
      pLoader: patient(Player.DefaultConfig.loader),
      ...(who ? { xhrSetup: cmcdSetup(who, () => this.now()) } : {}),
    });
    const names = Player.Events;
    this.hls.on(names.MANIFEST_PARSED, () => {
      if (this.asked !== AUTO) this.choose(this.asked);
    });
    this.hls.on(names.FRAG_BUFFERED, () => this.buffered());
    this.hls.on(names.LEVEL_SWITCHED, () => this.events.rung(this.current()));
    this.hls.on(names.LEVEL_LOADED, (_, { details }) => {
      if (!details.live) this.events.source("ended");
      this.goToWish();
    });
    this.hls.on(names.AUDIO_TRACK_LOADED, (_, { details }) => (this.sound = details));
    this.hls.on(names.ERROR, (_, data) => this.failed(data));
    this.hls.attachMedia(element);
    this.hls.loadSource(url);
    this.lookTimer = window.setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  anchor(): number | undefined {
    const date = this.hls.playingDate;
    if (date) return date.getTime() / 1000 - this.element.currentTime;
    const first = this.first();
    return first && first.date - first.start;
  }

  bySegments(on: boolean): void {
    if (this.hls.lowLatencyMode === on) this.hls.lowLatencyMode = !on;
  }

  /** After a reload that brought nothing hls.js asks for picture and sound seconds apart. */
  drowsy(): boolean {
    return this.hls.latestLevelDetails?.updated === false;
  }

  canS(): number {
    return HOLDS_S;
  }

  rungs(): readonly string[] {
    return [...this.hls.levels].sort((a, b) => b.bitrate - a.bitrate).map(nameOf);
  }

  current(): string {
    const level = this.hls.levels[this.hls.currentLevel];
    return level ? nameOf(level) : "";
  }

  bps(): number {
    return this.hls.levels[this.hls.currentLevel]?.bitrate ?? 0;
  }

  soundAlone(): boolean {
    return false;
  }

  choose(name: string): void {
    this.asked = name;
    this.hls.nextLevel = this.hls.levels.findIndex((level) => nameOf(level) === name);
  }

  span(): { from: number; to: number } | undefined {
    const first = this.first();
    const { seekable } = this.element;
    if (!first || seekable.length === 0) return undefined;
    const anchor = first.date - first.start;
    return { from: anchor + seekable.start(0), to: anchor + seekable.end(seekable.length - 1) };
  }

  seekTo(capture: number): void {
    this.wish = capture;
    this.goToWish();
  }

  destroy(): void {
    window.clearTimeout(this.retryTimer);
    window.clearInterval(this.lookTimer);
    this.hls.destroy();
  }

  private now(): ReturnType<typeof nowOf> {
    const { levels, loadLevel, bandwidthEstimate } = this.hls;
    return nowOf(this.element, levels[loadLevel]?.bitrate, bandwidthEstimate);
  }

  private first(): { date: number; start: number } | undefined {
    const fragment = this.hls.latestLevelDetails?.fragments[0];
    if (!fragment?.programDateTime) return undefined;
    return { date: fragment.programDateTime / 1000, start: fragment.start };
  }

  private goToWish(): void {
    const anchor = this.anchor();
    // hls.js goes to the live edge first; what is sought before it is there would be lost.
    if (this.wish === undefined || anchor === undefined || this.element.readyState < 2) return;
    this.element.currentTime = soughtIn(this.tracks(), this.wish - anchor);
    this.wish = undefined;
  }

  private buffered(): void {
    this.events.flowing();
    this.goToWish();
  }

  private look(): void {
    const { element } = this;
    this.goToWish();
    if (element.paused || element.readyState > 2) return this.standstill.moves();
    const to = this.standstill.leads(performance.now() / 1000, element.currentTime, this.tracks());
    if (to !== undefined) element.currentTime = to;
  }

  private tracks(): Piece[][] {
    return [piecesOf(this.hls.latestLevelDetails), piecesOf(this.sound)];
  }

  private failed(data: ErrorData): void {
    const { NETWORK_ERROR, MEDIA_ERROR } = this.Player.ErrorTypes;
    if (!data.fatal) {
      if (data.type === NETWORK_ERROR) this.events.broken();
      return;
    }
    if (data.type === MEDIA_ERROR) return this.hls.recoverMediaError();
    this.events.broken();
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => this.again(), RETRY_MS);
  }

  private again(): void {
    if (this.hls.levels.length === 0) this.hls.loadSource(this.hls.url ?? "");
    else this.hls.startLoad();
  }
}

function piecesOf(details: LevelDetails | null | undefined): Piece[] {
  const open = details?.fragmentHint;
  return details ? [...details.fragments, ...(open ? [open] : [])] : [];
}

function nameOf(level: { height: number; name?: string | undefined }): string {
  return level.height ? `${level.height}p` : (level.name ?? "");
}

interface DatedVideo extends HTMLVideoElement {
  /** Safari: program date time of media time 0. */
  getStartDate?(): Date;
}

class NativeEngine implements Rewindable {
  readonly kind = "native";
  private readonly control = new AbortController();
  private retryTimer = 0;
  private wish: number | undefined;

  constructor(
    private readonly element: DatedVideo,
    private readonly url: string,
    private readonly events: EngineEvents,
  ) {
    const { signal } = this.control;
    element.addEventListener("playing", () => events.flowing(), { signal });
    element.addEventListener("loadedmetadata", () => this.goToWish(), { signal });
    element.addEventListener("error", () => this.failed(), { signal });
    element.src = url;
  }

  anchor(): number | undefined {
    const date = this.element.getStartDate?.().getTime();
    return date === undefined || Number.isNaN(date) ? undefined : date / 1000;
  }

  canS(): number {
    return NATIVE_HOLDS_S;
  }

  rungs(): readonly string[] {
    return [];
  }

  current(): string {
    return this.element.videoHeight ? `${this.element.videoHeight}p` : "";
  }

  bps(): number {
    return 0;
  }

  soundAlone(): boolean {
    return false;
  }

  choose(): void {
    // The browser's own player chooses by itself.
  }

  span(): { from: number; to: number } | undefined {
    const anchor = this.anchor();
    const { seekable } = this.element;
    if (anchor === undefined || seekable.length === 0) return undefined;
    return { from: anchor + seekable.start(0), to: anchor + seekable.end(seekable.length - 1) };
  }

  seekTo(capture: number): void {
    this.wish = capture;
    this.goToWish();
  }

  destroy(): void {
    this.control.abort();
    window.clearTimeout(this.retryTimer);
    this.element.removeAttribute("src");
    this.element.load();
  }

  private goToWish(): void {
    const anchor = this.anchor();
    if (this.wish === undefined || anchor === undefined) return;
    this.element.currentTime = Math.max(0, this.wish - anchor);
    this.wish = undefined;
  }

  private failed(): void {
    this.events.broken();
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(() => (this.element.src = this.url), RETRY_MS);
  }
}
