/**
 * The shell between a <video> and a lesson's playlist: hls.js where Media Source works, the
 * browser's own HLS elsewhere. Says in few words what can be chosen and what went wrong.
 */
import type Hls from "hls.js";
import type { ErrorData, HlsConfig, Level as HlsLevel } from "hls.js";
import { cmcdSetup, nowOf } from "@/qoe/cmcd";
import type { Who } from "@/qoe/report";
import { CapWatch, limitsOf, withAll, type CapReason, type Limits } from "./cap";
import { preferredAv1, repeatedLevels, unsmoothLevels, withAv1 } from "./codec";
import { isAv1, qualities, type Level, type Quality } from "./quality";

export type Trouble = "network" | "gone" | "forbidden" | "decode" | "unsupported";

export interface EngineEvents {
  qualities(list: Quality[]): void;
  level(index: number): void;
  /** What plays, and what it needs of a line. */
  rung(name: string, bps: number): void;
  trouble(kind: Trouble): void;
  reconnecting(on: boolean): void;
  /** The school's line allows less than there is, for this reason; undefined: no more. */
  capped(cap: Capped | undefined): void;
  /** What was chosen may be chosen no more. */
  released(): void;
}

export interface Capped {
  why: CapReason;
  best: Quality | undefined;
}

export interface Engine {
  /** -1 chooses by the line. */
  choose(index: number): void;
  retry(): void;
  destroy(): void;
}

export const AUTO = -1;
const FIRST_ESTIMATE_BPS = 1_500_000;
const BACK_BUFFER_S = 60;
const MOST_RECOVERIES = 2;

const CONFIG: Partial<HlsConfig> = {
  enableWorker: false,
  lowLatencyMode: false,
  capLevelToPlayerSize: true,
  backBufferLength: BACK_BUFFER_S,
  abrEwmaDefaultEstimate: FIRST_ESTIMATE_BPS,
  videoPreference: { videoCodec: "avc1" },
};

export async function openEngine(
  video: HTMLVideoElement,
  url: string,
  startAt: number,
  events: EngineEvents,
  who: Who,
  lesson: string,
): Promise<Engine> {
  const box = new CapWatch(lesson);
  const [{ default: Player }, there] = await Promise.all([import("hls.js"), box.begin()]);
  if (Player.isSupported()) {
    return new HlsEngine(Player, video, url, startAt, events, who, there ? box : undefined);
  }
  if (video.canPlayType("application/vnd.apple.mpegurl")) {
    return new NativeEngine(video, url, startAt, events);
  }
  events.trouble("unsupported");
  return { choose: () => undefined, retry: () => undefined, destroy: () => undefined };
}

function levelOf(level: HlsLevel, index: number): Level {
  return {
    index,
    width: level.width,
    height: level.height,
    bitrate: level.maxBitrate,
    codec: level.videoCodec ?? "",
  };
}

class HlsEngine implements Engine {
  private readonly hls: Hls;
  private chosen = AUTO;
  private holding = false;
  private recoveries = 0;
  private levels: Level[] = [];
  private limits: Limits | undefined;
  private gone = false;

  constructor(
    private readonly Player: typeof Hls,
    private readonly video: HTMLVideoElement,
    url: string,
    private readonly startAt: number,
    private readonly events: EngineEvents,
    who: Who,
    private readonly box: CapWatch | undefined,
  ) {
    const xhrSetup = cmcdSetup(who, () => {
      const { levels, loadLevel, bandwidthEstimate } = this.hls;
      return nowOf(video, levels[loadLevel]?.maxBitrate, bandwidthEstimate);
    });
    this.hls = new Player({
      ...CONFIG,
      ...cappedToo(Player, () => this.limits?.highest ?? Infinity),
      xhrSetup,
      autoStartLoad: false,
      startPosition: startAt,
    });
    const names = Player.Events;
    this.hls.on(names.MANIFEST_PARSED, () => void this.begin());
    this.hls.on(names.LEVEL_SWITCHED, (_, data) => this.switched(data.level));
    this.hls.on(names.FRAG_BUFFERED, () => this.buffered());
    this.hls.on(names.ERROR, (_, data) => this.failed(data));
    this.hls.attachMedia(video);
    this.hls.loadSource(box ? withAll(withAv1(url)) : withAv1(url));
  }

  private async begin(): Promise<void> {
    const rough = await unsmoothLevels(this.hls.levels.map(levelOf), navigator.mediaCapabilities);
    for (const index of rough.sort((a, b) => b - a)) this.hls.removeLevel(index);
    for (const index of repeatedLevels(this.hls.levels).reverse()) this.hls.removeLevel(index);
    this.levels = this.hls.levels.map(levelOf);
    await this.box?.ask(); // the box knows the lesson since its playlist was asked for
    if (this.gone) return;
    this.applyCap();
    this.box?.follow(() => this.applyCap());
    this.hls.startLoad(this.startAt);
  }

  /** Keep to what the school's line allows, from the next piece on; or be free of it again. */
  private applyCap(): void {
    const { levels, config } = this.hls;
    const limits = limitsOf(levels, this.box?.cap);
    this.limits = limits;
    config.minAutoBitrate = limits ? limits.lowestBps : 0;
    this.hls.autoLevelCapping = limits ? limits.highest : AUTO;
    if (this.holding && !this.mayPlay(this.hls.loadLevel)) {
      this.holding = false;
      this.hls.loadLevel = AUTO;
    }
    if (this.chosen !== AUTO && !this.mayPlay(this.chosen)) {
      this.choose(AUTO);
      this.events.released();
    }
    const open = qualities(this.playable());
    this.events.qualities(open);
    const why = limits && this.box?.cap?.why;
    this.events.capped(why ? { why, best: open.find((one) => one.lines > 0) } : undefined);
  }

  private mayPlay(index: number): boolean {
    return this.limits?.allowed[index] ?? true;
  }

  private playable(): Level[] {
    return this.levels.filter((level) => this.mayPlay(level.index));
  }

  private switched(index: number): void {
    const level = this.levels[index];
    if (this.chosen === AUTO && !this.holding && level && !isAv1(level.codec)) {
      this.hls.loadLevel = AUTO;
    }
    this.events.level(index);
    if (level) this.events.rung(`${level.height}p ${level.codec}`, level.bitrate);
  }

  private buffered(): void {
    this.events.reconnecting(false);
    this.recoveries = 0;
    if (this.chosen === AUTO) this.weighAv1();
  }

  /** hls.js keeps to one codec by itself, so going to the one AV1 variant and back is ours. */
  private weighAv1(): void {
    const av1 = preferredAv1(this.playable(), this.hls.bandwidthEstimate, this.holding);
    if (av1 !== undefined && !this.holding) {
      this.holding = true;
      this.hls.loadLevel = av1;
    } else if (av1 === undefined && this.holding) {
      this.holding = false;
      this.hls.loadLevel = this.thinnestH264();
    }
  }

  private thinnestH264(): number {
    const plain = this.playable().filter((level) => !isAv1(level.codec) && level.height > 0);
    return plain.sort((a, b) => a.bitrate - b.bitrate)[0]?.index ?? AUTO;
  }

  private failed(data: ErrorData): void {
    const { NETWORK_ERROR, MEDIA_ERROR } = this.Player.ErrorTypes;
    if (!data.fatal) {
      if (data.type === NETWORK_ERROR) this.events.reconnecting(true);
      return;
    }
    this.events.reconnecting(false);
    if (data.type === NETWORK_ERROR) {
      this.events.trouble(networkTrouble(data.response?.code ?? 0));
    } else if (data.type === MEDIA_ERROR && this.recoveries < MOST_RECOVERIES) {
      this.recoveries += 1;
      this.hls.recoverMediaError();
    } else {
      this.events.trouble("decode");
    }
  }

  choose(index: number): void {
    this.chosen = index;
    this.holding = false;
    this.hls.nextLevel = index;
  }

  retry(): void {
    this.recoveries = 0;
    if (this.levels.length === 0) this.hls.loadSource(this.hls.url ?? "");
    else if (this.video.error) this.hls.recoverMediaError();
    this.hls.startLoad(this.video.currentTime || this.startAt);
  }

  destroy(): void {
    this.gone = true;
    this.box?.close();
    this.hls.destroy();
  }
}

/** hls.js caps by the size of the picture each second; what the school's line allows is less. */
function cappedToo(Player: typeof Hls, highest: () => number): Partial<HlsConfig> {
  const BySize = Player.DefaultConfig.capLevelController;
  if (!BySize) return {};
  class ByLineToo extends BySize {
    override getMaxLevel(capLevelIndex: number): number {
      return Math.min(super.getMaxLevel(capLevelIndex), highest());
    }
  }
  return { capLevelController: ByLineToo };
}

function networkTrouble(code: number): Trouble {
  if (code === 401 || code === 403) return "forbidden";
  return code === 404 || code === 410 ? "gone" : "network";
}

class NativeEngine implements Engine {
  private readonly control = new AbortController();

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly url: string,
    startAt: number,
    events: EngineEvents,
  ) {
    const { signal } = this.control;
    video.addEventListener("error", () => events.trouble(this.why()), { signal });
    this.load(startAt);
  }

  private load(at: number): void {
    this.video.src = this.url;
    const seek = () => (this.video.currentTime = at);
    if (at > 0) this.video.addEventListener("loadedmetadata", seek, { once: true });
  }

  private why(): Trouble {
    return this.video.error?.code === MediaError.MEDIA_ERR_DECODE ? "decode" : "network";
  }

  choose(): void {
    // The browser's own player chooses by itself.
  }

  retry(): void {
    this.load(this.video.currentTime);
  }

  destroy(): void {
    this.control.abort();
    this.video.removeAttribute("src");
    this.video.load();
  }
}
