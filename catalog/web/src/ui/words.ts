/** The server's answers in the reader's words. */
import { ApiError } from "@/api/client";
import type { Choice } from "@/api/types";

export type Translate = (key: string, named?: Record<string, unknown>) => string;
export type HasKey = (key: string) => boolean;

const BY_STATUS: Record<number, string> = {
  0: "error.offline",
  401: "error.signIn",
  403: "error.noRight",
  404: "error.missing",
  409: "error.conflict",
  413: "error.overQuota",
  422: "error.invalid",
  429: "error.tooMany",
  503: "error.away",
  507: "error.full",
};

/** What went wrong and what to do, as one sentence. */
export function errorText(t: Translate, error: unknown): string {
  if (!(error instanceof ApiError)) return t("error.unknown");
  if (error.lineDown) return t("error.lineDown");
  return t(BY_STATUS[error.status] ?? (error.status >= 500 ? "error.server" : "error.unknown"));
}

const FIELD_RULES: readonly (readonly [RegExp, string])[] = [
  [/missing|required|at least 1|empty|length >= 1|must not be blank/i, "fieldError.missing"],
  [/at most|too long|length <=|longer than/i, "fieldError.long"],
  [/at least|too short|length >=|shorter/i, "fieldError.short"],
  [/exists|taken|already|unique/i, "fieldError.taken"],
  [/control character/i, "fieldError.control"],
  [/no such|unknown|not found|does not exist/i, "fieldError.unknown"],
  [/until|after|before|date/i, "fieldError.dates"],
];

/** What is wrong with one field; the API says it in English, the rules above know its phrases. */
export function fieldText(t: Translate, message: string): string {
  const rule = FIELD_RULES.find(([pattern]) => pattern.test(message));
  return t(rule?.[1] ?? "fieldError.other");
}

/** Why a lesson failed; codes without words of their own get the general sentence. */
export function lessonErrorText(t: Translate, te: HasKey, code: string): string {
  const key = `lessonError.${code.replace(/[^a-z0-9_]/gi, "_")}`;
  return t(te(key) ? key : "lessonError.other");
}

/** Label of a vocabulary value: the catalogue of this language first, then the server's word. */
export function wordFor(
  t: Translate,
  te: HasKey,
  kind: string,
  value: string,
  choices: readonly Choice[] = [],
): string {
  const key = `vocabulary.${kind}.${value}`;
  if (value && te(key)) return t(key);
  return choices.find((choice) => choice.value === value)?.label ?? value;
}
