/** Choices of a poll and what share each has. Pure. */
import type { Poll, PollKind } from "./state";

const CHOICES: Record<PollKind, readonly string[]> = {
  abcd: ["A", "B", "C", "D"],
  truefalse: ["true", "false"],
};

export function choicesOf(kind: PollKind): readonly string[] {
  return CHOICES[kind] ?? [];
}

export function shares(poll: Poll): { choice: string; count: number; share: number }[] {
  const counts = choicesOf(poll.kind).map((choice) => Math.max(0, poll.counts[choice] ?? 0));
  const all = counts.reduce((sum, count) => sum + count, 0);
  return choicesOf(poll.kind).map((choice, at) => {
    const count = counts[at] ?? 0;
    return { choice, count, share: all > 0 ? count / all : 0 };
  });
}
