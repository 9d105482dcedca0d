/** Words and numbers of the current language for components. */
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import type { Choice, LessonEvent } from "@/api/types";
import { bytes, day, roundLeft } from "./format";
import { errorText, fieldText, lessonErrorText, wordFor } from "./words";

/** Between facts on one line; thin spaces, because Chinese fonts draw the dot wide. */
const DOT = "\u2009·\u2009";

export function useWords() {
  const { t, te, locale } = useI18n();
  const has = (key: string) => te(key) || te(key, "zh-CN");
  const say = (key: string, named?: Record<string, unknown>) => t(key, named ?? {});
  return {
    t,
    locale,
    dot: DOT,
    number: computed(() => new Intl.NumberFormat(locale.value)),
    bytes: (count: number) => bytes(count, locale.value),
    day: (iso: string) => day(iso, locale.value, new Date()),
    left: (seconds: number) => {
      const { unit, value } = roundLeft(seconds);
      return t(`left.${unit}`, { n: value });
    },
    error: (error: unknown) => errorText(say, error),
    field: (message: string) => fieldText(say, message),
    lessonError: (error: LessonEvent["error"]) => lessonErrorText(say, has, error?.code ?? ""),
    word: (kind: string, value: string, choices: readonly Choice[] = []) =>
      wordFor(say, (key) => te(key), kind, value, choices),
  };
}
