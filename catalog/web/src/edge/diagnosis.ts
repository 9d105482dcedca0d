/**
 * What the box found wrong, in the words of somebody who is no technician. Pure: codes and values of
 * streaming/edge/diagnosis.py in, keys of the catalogue and what stands in them out.
 */
import type { EdgeStatus, Finding, Level } from "@/api/edge";

export interface Sentence {
  key: string;
  named: Record<string, string | number>;
}

/** Figures with their units, in the reader's language. */
export interface Measures {
  rate(bps: number): string;
  size(bytes: number): string;
  span(seconds: number): string;
}

export interface Explained {
  level: Level;
  what: Sentence;
  todo: Sentence;
}

const SECOND_MS = 1000;
const LEVELS: readonly Level[] = ["fine", "note", "warning", "trouble"];

/** What goes into a sentence, by the name of the finding's value. */
const PLACES: Record<string, (value: number, form: Measures) => [string, string | number]> = {
  seconds: (value, form) => ["span", form.span(value)],
  ms: (value, form) => ["span", form.span(value / SECOND_MS)],
  bps: (value, form) => ["rate", form.rate(value)],
  bytes: (value, form) => ["size", form.size(value)],
  streams: (value) => ["n", value],
  messages: (value) => ["n", value],
  days: (value) => ["n", value],
};

export const CODES = [
  "fine", "revoked", "line_cut", "line_low", "line_too_thin", "live_late", "capped",
  "capped_by_ceiling", "disk_full", "disk_read_only", "disk_failing", "cache_small",
  "clock_unsure", "certificate_ends", "certificate_over", "words_wait",
] as const;

function nameOf(finding: Finding): string {
  if (finding.code === "certificate_ends" && (finding.values["days"] ?? 1) <= 0) {
    return "certificate_over";
  }
  return CODES.find((code) => code === finding.code) ?? "other";
}

/** What was found and what to do; a code that this page does not know is named as it is. */
export function explain(finding: Finding, form: Measures): Explained {
  const named: Sentence["named"] = { code: finding.code };
  for (const [name, value] of Object.entries(finding.values)) {
    const place = PLACES[name]?.(value, form);
    if (place) named[place[0]] = place[1];
  }
  const key = `edge.found.${nameOf(finding)}`;
  return {
    level: finding.level,
    what: { key: `${key}.what`, named },
    todo: { key: `${key}.todo`, named },
  };
}

export function worstOf(findings: readonly Finding[]): Level {
  return LEVELS[Math.max(0, ...findings.map((one) => LEVELS.indexOf(one.level)))] ?? "fine";
}

/** The one sentence at the top. A cut line has one of its own: the school goes on. */
export function verdictOf(findings: readonly Finding[]): { level: Level; says: Sentence } {
  const level = worstOf(findings);
  const worst = findings.filter((one) => one.level === level);
  const only = worst.length === 1 ? worst[0]?.code : "";
  const name = level !== "fine" && only === "line_cut" ? "lineCut" : level;
  return { level, says: { key: `edge.verdict.${name}`, named: { n: worst.length } } };
}

export type CheckName =
  | "registered" | "line" | "speed" | "live" | "clarity" | "disk" | "space" | "clock"
  | "certificate" | "words";

interface Rule {
  name: CheckName;
  codes: readonly string[];
  /** It cannot be told now. */
  unsure?: (status: EdgeStatus) => boolean;
}

export interface Check {
  name: CheckName | "other";
  /** `unsure`: it cannot be told as long as the line is cut or was never measured. */
  state: "passed" | "found" | "unsure";
  findings: Finding[];
}

const cut = (status: EdgeStatus): boolean => !status.line.up;
const RULES: readonly Rule[] = [
  { name: "line", codes: ["line_cut"] },
  {
    name: "speed",
    codes: ["line_low", "line_too_thin"],
    unsure: (status) => cut(status) || status.line.estimate_bps === null,
  },
  { name: "live", codes: ["live_late"], unsure: cut },
  { name: "clarity", codes: ["capped", "capped_by_ceiling"] },
  { name: "disk", codes: ["disk_full", "disk_read_only", "disk_failing"] },
  { name: "space", codes: ["cache_small"] },
  { name: "clock", codes: ["clock_unsure"] },
  { name: "words", codes: ["words_wait"] },
  { name: "registered", codes: ["revoked"] },
  { name: "certificate", codes: ["certificate_ends"] },
];

/** Everything that was looked at, passed or not; what no rule knows comes last. */
export function checksOf(status: EdgeStatus): Check[] {
  const checks = RULES.map((rule): Check => {
    const findings = status.findings.filter((one) => rule.codes.includes(one.code));
    if (findings.length) return { name: rule.name, state: "found", findings };
    return { name: rule.name, state: rule.unsure?.(status) ? "unsure" : "passed", findings };
  });
  const known = new Set(["fine", ...RULES.flatMap((rule) => rule.codes)]);
  const others = status.findings.filter((one) => !known.has(one.code));
  return others.length ? [...checks, { name: "other", state: "found", findings: others }] : checks;
}
