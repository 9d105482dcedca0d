/** Names of the qualities a lesson has, as people say them: "1080 高清", "720", "360 流畅". */

export interface Level {
  index: number;
  width: number;
  height: number;
  bitrate: number;
  codec: string;
}

export type Grade = "uhd" | "hd" | "sd" | "smooth" | "save" | "thin" | "audio";

export interface Quality {
  index: number;
  /** Lines of the short side, 0 for sound alone. */
  lines: number;
  grade: Grade;
}

const COMMON_LINES = [2160, 1440, 1080, 720, 540, 480, 360, 240, 144];

export function isAv1(codec: string): boolean {
  return codec.startsWith("av01");
}

/** The short side, snapped to the number people know when it is within 6 % of it. */
export function linesOf(level: { width: number; height: number }): number {
  const short = Math.min(level.width || level.height, level.height);
  const known = COMMON_LINES.find((lines) => Math.abs(lines - short) <= lines * 0.06);
  return known ?? short;
}

function gradeOf(lines: number): Grade {
  if (lines === 0) return "audio";
  if (lines >= 1440) return "uhd";
  if (lines >= 720) return "hd";
  if (lines >= 480) return "sd";
  return "smooth";
}

/**
 * The menu, best first. Where two have the same lines, the thinner one is called "save"; an AV1
 * variant is the thinnest and is called so: nobody has to know what AV1 is.
 */
export function qualities(levels: readonly Level[]): Quality[] {
  const sorted = [...levels].sort(
    (a, b) => linesOf(b) - linesOf(a) || Number(isAv1(a.codec)) - Number(isAv1(b.codec)) ||
      b.bitrate - a.bitrate,
  );
  const seen = new Set<number>();
  return sorted.map((level) => {
    const lines = linesOf(level);
    const again = seen.has(lines) && lines > 0;
    seen.add(lines);
    const thin = isAv1(level.codec) ? "thin" : "save";
    return { index: level.index, lines, grade: again || thin === "thin" ? thin : gradeOf(lines) };
  });
}
