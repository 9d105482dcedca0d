/** What is watched in the school and in which qualities, by the names people know. Pure. */
import type { EdgeRung, EdgeStream } from "@/api/edge";
import { qualities } from "@/player/quality";

export interface Quality {
  /** A word of the player's catalogue and its number, or the box's own name for it. */
  key: string;
  named: { n: number | string };
  allowed: boolean;
  kept: boolean;
  sound: boolean;
}

const LINES = /^(\d{3,4})p/;

/** Best first. */
export function qualitiesOf(rungs: readonly EdgeRung[]): Quality[] {
  const levels = rungs.map((rung, index) => ({
    index,
    width: 0,
    height: rung.sound ? 0 : Number(LINES.exec(rung.name)?.[1] ?? 0),
    bitrate: rung.bps,
    codec: rung.name.includes("av1") ? "av01" : "",
  }));
  return qualities(levels).flatMap(({ index, lines, grade }) => {
    const rung = rungs[index];
    if (!rung) return [];
    const { allowed, kept, sound, name } = rung;
    const known = sound || lines > 0;
    const key = known ? `player.grade.${grade}` : "edge.watched.asNamed";
    return [{ key, named: { n: known ? lines : name }, allowed, kept, sound }];
  });
}

/** The one that comes over the line for the whole school, where not all may be chosen. */
export function sharedOf(all: readonly Quality[]): Quality | undefined {
  const allowed = all.filter((one) => one.allowed);
  const pictures = allowed.filter((one) => !one.sound);
  return pictures.find((one) => !one.kept) ?? pictures[0] ?? allowed[0];
}

/** Name of what is watched, where it has no title of its own. */
export function nameKeyOf(stream: EdgeStream): string {
  if (!stream.live) return "edge.untitled";
  const feed = stream.id.split("/").at(-1);
  return `edge.watched.${feed === "floor" || feed === "second" ? feed : "main"}`;
}
