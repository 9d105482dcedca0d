/**
 * Which variants this device is offered. AV1 only where the browser says that it decodes the very
 * picture size smoothly; Opus where MSE takes it.
 *
 * Spec: Media Capabilities, decodingInfo().
 */
import { isAv1, type Level } from "./quality";

export interface Capabilities {
  decodingInfo(configuration: MediaDecodingConfiguration): Promise<{
    supported: boolean;
    smooth: boolean;
  }>;
}

const ASSUMED_FRAME_RATE = 30;

/** Indices of the levels to take away because they would stutter here. */
export async function unsmoothLevels(
  levels: readonly Level[],
  capabilities: Capabilities | undefined,
): Promise<number[]> {
  const verdicts = await Promise.all(
    levels.map(async (level) => ({
      index: level.index,
      keep: !isAv1(level.codec) || (await isSmooth(level, capabilities)),
    })),
  );
  return verdicts.filter((verdict) => !verdict.keep).map((verdict) => verdict.index);
}

async function isSmooth(level: Level, capabilities: Capabilities | undefined): Promise<boolean> {
  if (!capabilities) return false;
  try {
    const info = await capabilities.decodingInfo({
      type: "media-source",
      video: {
        contentType: `video/mp4; codecs="${level.codec}"`,
        width: level.width,
        height: level.height,
        bitrate: Math.max(1, level.bitrate),
        framerate: ASSUMED_FRAME_RATE,
      },
    });
    return info.supported && info.smooth;
  } catch {
    return false;
  }
}

const AV1_IN_MARGIN = 1.5;
const AV1_OUT_MARGIN = 1.1;

/**
 * In 自动, hold the thin AV1 picture while the line carries it with a margin; the H.264 ladder
 * (undefined) is for lines that do not. Two margins keep it from flapping.
 */
export function preferredAv1(
  levels: readonly Level[],
  bandwidth: number,
  holding: boolean,
): number | undefined {
  const margin = holding ? AV1_OUT_MARGIN : AV1_IN_MARGIN;
  const best = levels
    .filter((level) => isAv1(level.codec) && level.bitrate * margin <= bandwidth)
    .sort((a, b) => b.height - a.height || a.bitrate - b.bitrate)[0];
  if (!best) return undefined;
  const taller = levels.some(
    (level) =>
      !isAv1(level.codec) && level.height > best.height && level.bitrate * margin <= bandwidth,
  );
  return taller ? undefined : best.index;
}

/** The address that also lists the AV1 variants; players that cannot weigh them get none. */
export function withAv1(url: string): string {
  return `${url}${url.includes("?") ? "&" : "?"}av1=1`;
}

/**
 * Indices of levels that show the same pictures as another with heavier sound. Each video is listed
 * with AAC and with Opus; hls.js has dropped those whose sound cannot be played.
 */
export function repeatedLevels(levels: readonly { uri: string; bitrate: number }[]): number[] {
  const thinnest = new Map<string, number>();
  levels.forEach((level, index) => {
    const known = thinnest.get(level.uri);
    const other = known === undefined ? undefined : levels[known];
    if (!other || level.bitrate < other.bitrate) thinnest.set(level.uri, index);
  });
  const kept = new Set(thinnest.values());
  return levels.map((_, index) => index).filter((index) => !kept.has(index));
}
