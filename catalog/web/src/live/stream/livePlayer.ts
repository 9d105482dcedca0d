/**
 * One live picture in one <video>, at the moment that all rooms share. Chooses the way of delivery,
 * steers, measures, comes back by itself. No framework; a page gives the clock and D and hears
 * what to show.
 */
import { Controller } from "../sync/controller";
import { DisplayLag } from "../sync/displayLag";
import { Figures, type ShownFrame } from "../sync/figures";
import { OwnDelay } from "../sync/ownDelay";
import { aheadS, rangesOf, steered } from "../sync/ranges";
import { Rungs } from "../sync/rungs";
import type { Report } from "../room/messages";
import type { Who } from "@/qoe/report";
import { AUTO, NO_OFFER, type Offer } from "./choices";
import { BEAT_MS, Dryness, SEGMENTS_FROM_S, STUCK_BACK_MS } from "./dryness";
import { playsByWebSocket, type Engine, type EngineEvents, type EngineKind } from "./engine";
import { openHls, type Rewindable } from "./hlsEngine";
import { WsEngine } from "./wsEngine";

/** joining → playing ⇄ broken (this line) ⇄ away (the main classroom's) → ended. */
export type LivePhase = "joining" | "waiting" | "playing" | "broken" | "away" | "ended" | "impossible";

export interface LiveEvents {
  phase(phase: LivePhase): void;
  /** The browser plays no sound before somebody touched the page. */
  soundBlocked(blocked: boolean): void;
  /** What plays, and what it needs of a line (0: unknown). */
  rung(name: string, bps: number): void;
  delivery?(kind: EngineKind): void;
  /** Every frame that came on the screen, for reports. */
  frame?(frame: ShownFrame): void;
  report?(report: Report): void;
}

export interface LiveSource {
  /** Path of the WebSocket, address of the LL-HLS playlist. */
  stream: string;
  hls: string;
}

/** The room's clock and common delay, as they are at the moment. */
export interface Beat {
  serverMs(oursMs: number): number;
  readonly known: boolean;
  readonly errorMs: number;
  readonly delayS: number;
}

const REPORT_EVERY_MS = 1000;
const LONGEST_SEEK_MS = 1500;
/** The first part of those who come back takes that long to be listed. */
const FIRST_PART_MS = 700;

export class LivePlayer {
  private engine: Engine | undefined;
  private past: Rewindable | undefined;
  private readonly controller = new Controller();
  private readonly rungs = new Rungs();
  private readonly lag = new DisplayLag();
  private readonly ownDelay = new OwnDelay();
  private delayS = 0;
  private readonly figures = new Figures();
  private readonly timers: number[] = [];
  private phase: LivePhase = "joining";
  private source: "live" | "reconnecting" | "ended" | "waiting" = "live";
  private lineBroken = false;
  private held = false;
  private sought = 0;
  private readonly dryness = new Dryness();
  private reopening = 0;
  private closed = false;
  private chosen = AUTO;

  constructor(
    private readonly video: HTMLVideoElement,
    /** Asked for at each connection, because the tokens in it may be renewed. */
    private readonly from: () => LiveSource,
    private readonly beat: Beat,
    private readonly events: LiveEvents,
    private readonly who?: Who, // says so with its requests
  ) {
    video.playsInline = true;
    this.watchFrames();
    this.timers.push(window.setInterval(() => this.steer(), BEAT_MS));
    this.timers.push(window.setInterval(() => this.report(), REPORT_EVERY_MS));
    if (playsByWebSocket()) this.useEngine(this.byWebSocket());
    else void this.byHls();
  }

  get delivery(): EngineKind | undefined {
    return this.engine?.kind;
  }

  /** Whether it shows the past, and how far back it can go. Unix seconds. */
  get rewound(): boolean {
    return this.past !== undefined;
  }

  span(): { from: number; to: number } | undefined {
    return this.past?.span();
  }

  /** Unix seconds of what is shown; undefined before anything is. */
  shownAt(): number | undefined {
    const anchor = (this.past ?? this.engine)?.anchor();
    return anchor === undefined ? undefined : anchor + this.video.currentTime;
  }

  /** Somebody touched the page: sound may play now. */
  async openSound(): Promise<void> {
    this.video.muted = false;
    await this.play();
  }

  /** A picture's name, `auto` or `audio`: held until something else is chosen. */
  choose(name: string): void {
    this.chosen = name;
    (this.past ?? this.engine)?.choose(name);
  }

  offer(): Offer {
    const engine = this.past ?? this.engine;
    if (!engine) return NO_OFFER;
    return { rungs: engine.rungs(), soundAlone: engine.soundAlone(), current: engine.current() };
  }

  /** Show an earlier moment (Unix seconds); the common moment is left. */
  async rewind(capture: number): Promise<void> {
    if (!this.past) {
      this.dropEngine();
      this.past = await openHls(this.video, this.from().hls, this.listen(), this.who);
      if (this.closed) return this.past?.destroy();
      this.dryness.opened(performance.now());
      if (this.chosen !== AUTO) this.past?.choose(this.chosen);
      this.events.delivery?.("hls");
    }
    this.video.playbackRate = 1;
    this.past?.seekTo(capture);
    await this.play();
  }

  /** Back to what everyone sees. */
  backToLive(): void {
    if (!this.past) return;
    this.dropEngine();
    if (playsByWebSocket()) this.useEngine(this.byWebSocket());
    else void this.byHls();
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) window.clearInterval(timer);
    window.clearTimeout(this.reopening);
    this.dropEngine();
  }

  private byWebSocket(): Engine {
    return new WsEngine(this.video, () => this.from().stream, () => this.serverNow(), this.listen(true));
  }

  private async byHls(): Promise<void> {
    this.dropEngine();
    const engine = await openHls(this.video, this.from().hls, this.listen(), this.who);
    if (this.closed) return engine?.destroy();
    if (engine) this.useEngine(engine);
    else this.show("impossible");
  }

  private listen(mayFallBack = false): EngineEvents {
    return {
      flowing: () => this.line(false),
      broken: () => this.line(true),
      source: (state) => this.sourceIs(state),
      rung: (name) => this.events.rung(name, (this.past ?? this.engine)?.bps() ?? 0),
      unusable: () => {
        if (mayFallBack && this.source !== "ended") void this.byHls();
      },
    };
  }

  private useEngine(engine: Engine): void {
    this.engine = engine;
    this.dryness.opened(performance.now());
    if (this.chosen !== AUTO) engine.choose(this.chosen);
    this.held = false;
    this.figures.interrupted();
    this.video.playbackRate = 1;
    this.events.delivery?.(engine.kind);
    this.show("joining");
  }

  private dropEngine(): void {
    (this.past ?? this.engine)?.destroy();
    this.past = this.engine = undefined;
  }

  private line(broken: boolean): void {
    this.lineBroken = broken;
    this.settle();
  }

  /** What the room says of the main classroom: a playlist does not tell who is away. */
  courseIs(state: "live" | "reconnecting"): void {
    if (this.engine?.kind === "ws") return;
    this.sourceIs(state);
    if (state === "live" && this.engine?.drowsy?.()) this.reopenSoon();
  }

  /** Begin anew once there is a first part of what comes. */
  private reopenSoon(): void {
    window.clearTimeout(this.reopening);
    this.reopening = window.setTimeout(() => this.reopen(), FIRST_PART_MS);
  }

  private reopen(): void {
    if (this.closed || this.past || this.engine?.kind !== "hls") return;
    void this.byHls();
  }

  private sourceIs(state: typeof this.source): void {
    this.source = state;
    this.settle();
  }

  private settle(): void {
    if (this.source === "ended") this.show("ended");
    else if (this.lineBroken) this.show("broken");
    else if (this.source === "reconnecting") this.show("away");
    else if (this.source === "waiting") this.show("waiting");
    else if (!this.video.paused && this.video.readyState > 2) this.show("playing");
    else if (this.phase !== "playing") this.show("joining");
  }

  private show(phase: LivePhase): void {
    if (this.phase === phase) return;
    this.phase = phase;
    this.events.phase(phase);
  }

  private serverNow(): number | undefined {
    return this.beat.known ? this.beat.serverMs(performance.now()) / 1000 : undefined;
  }

  private steer(): void {
    this.settle();
    const now = this.serverNow();
    const anchor = this.engine?.anchor();
    if (this.past) return this.steerPast();
    if (!this.engine || this.seeking()) return;
    if (now === undefined || anchor === undefined) return this.withoutBeat();
    const { video, beat } = this;
    const standing = video.paused || video.readyState < 3;
    if (this.dryness.beat(standing && !video.paused, this.comes())) this.ranDry();
    if (this.engine.kind === "hls" && this.dryness.stuck(performance.now())) return this.reopen();
    const ranges = rangesOf(video.buffered);
    const usualS = this.engine.usualS ? this.engine.usualS() : this.canS(this.engine);
    this.delayS = this.ownDelay.keep(now, beat.delayS, usualS);
    const delayS = this.delayS - this.lag.offsetS;
    const wanted = now - delayS - anchor;
    const range = steered(ranges, video.currentTime, wanted, standing);
    if (!range) return;
    const made = this.controller.decide({
      now, delayS, anchor, at: video.currentTime,
      bufferedFrom: range.start, bufferedTo: range.end, standing,
    });
    if (made.do === "jump") this.jump(made.to, standing && !video.paused);
    else if (made.do === "hold") this.hold();
    else this.run(made.rate);
  }

  /** Where somebody goes back a picture may take its time; then it, too, is opened anew where it stands. */
  private steerPast(): void {
    const at = this.shownAt();
    this.dryness.beat(!this.video.paused && this.video.readyState < 3, this.comes());
    if (at === undefined || !this.dryness.stuck(performance.now(), STUCK_BACK_MS)) return;
    this.dropEngine();
    void this.rewind(at);
  }

  /** No clock (no room could be reached): the playlist's own distance to the edge has to do. */
  private withoutBeat(): void {
    if (this.engine?.kind === "ws") return;
    // What has ended would begin again from its first picture.
    if (this.video.ended) return this.sourceIs("ended");
    if (this.video.paused && this.video.readyState > 2) void this.play();
  }

  private comes(): boolean {
    return this.source === "live" && !this.lineBroken;
  }

  /** While a picture begins, or the main classroom is away, standing says nothing about this line. */
  private ranDry(): void {
    const now = performance.now();
    if (this.source !== "live" || this.dryness.begins(now)) return this.figures.interrupted();
    this.figures.ranDry();
    this.dryness.starve(now);
  }

  /** By LL-HLS nothing but a stall tells that the line is too slow for the delay. */
  private canS(engine: Engine): number | undefined {
    const canS = engine.canS();
    if (engine.kind === "ws" || canS === undefined) return canS;
    const needS = this.dryness.needS(performance.now());
    engine.bySegments?.(needS >= SEGMENTS_FROM_S);
    return Math.max(canS, needS);
  }

  private seeking(): boolean {
    return this.video.seeking && performance.now() - this.sought < LONGEST_SEEK_MS;
  }

  private jump(to: number, dry: boolean): void {
    this.sought = performance.now();
    this.lag.unsettled();
    if (dry) this.ranDry();
    else this.figures.interrupted();
    this.video.currentTime = to;
  }

  private hold(): void {
    this.held = true;
    this.figures.interrupted();
    if (!this.video.paused) this.video.pause();
  }

  private run(rate: number): void {
    if (this.video.playbackRate !== rate) this.video.playbackRate = rate;
    if (this.video.paused) void this.play();
    this.held = false;
  }

  private async play(): Promise<void> {
    try {
      await this.video.play();
      this.events.soundBlocked(this.video.muted);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
      if (this.video.muted) return;
      this.video.muted = true;
      this.events.soundBlocked(true);
      await this.video.play().catch(() => undefined);
    }
  }

  private watchFrames(): void {
    if (!("requestVideoFrameCallback" in this.video)) return;
    const next = (_: number, meta: VideoFrameCallbackMetadata) => {
      if (this.closed) return;
      this.frameShown(meta);
      this.video.requestVideoFrameCallback(next);
    };
    this.video.requestVideoFrameCallback(next);
  }

  private frameShown(meta: VideoFrameCallbackMetadata): void {
    const anchor = this.engine?.anchor();
    if (anchor === undefined || !this.beat.known || this.past || this.held) return;
    const captured = anchor + meta.mediaTime;
    const shown = this.beat.serverMs(meta.expectedDisplayTime) / 1000;
    const frame = { captured, shown, skewS: shown - captured - this.beat.delayS };
    if (this.dryness.begins(performance.now())) this.figures.interrupted();
    this.figures.frame(frame);
    this.events.frame?.(frame);
    if (this.video.playbackRate === 1) this.lag.frame(shown - captured - this.delayS);
    else this.lag.unsettled();
  }

  private report(): void {
    const now = this.serverNow();
    const engine = this.engine;
    if (!engine || this.past || now === undefined || document.hidden) return;
    const names = engine.rungs();
    const current = engine.current();
    const lowest = names.length === 0 || current === "" || names.at(-1) === current;
    const canS = this.canS(engine);
    this.keepUp(engine, this.rungs.decide(now, canS, this.beat.delayS, lowest));
    const measured = this.figures.take();
    if (!measured || canS === undefined) return;
    this.events.report?.({
      rung: current || "audio",
      delay_ms: Math.round(measured.delayS * 1000),
      skew_ms: Math.round(measured.skewS * 1000),
      stalls: this.figures.stalls,
      buffer_ms: Math.round(aheadS(this.video) * 1000),
      can_ms: Math.round(canS * 1000),
      error_ms: Math.round(this.beat.errorMs),
      lowest,
    });
  }

  /** What a person chose is not changed by itself. */
  private keepUp(engine: Engine, way: "down" | "up" | undefined): void {
    if (this.chosen !== AUTO) return;
    const names = engine.rungs();
    const lower = names[names.indexOf(engine.current()) + 1];
    if (way === "down" && lower) engine.choose(lower);
    if (way === "up") engine.choose(AUTO);
  }
}
