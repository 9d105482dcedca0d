/** Figures of the box with their units, in the reader's language. */
import { useI18n } from "vue-i18n";
import { useWords } from "@/ui/useWords";
import type { Measures, Sentence } from "./diagnosis";

const MINUTE_S = 60;
const HOUR_S = 3600;
const MBIT_BPS = 1_000_000;

export interface EdgeWords extends Measures {
  say(sentence: Sentence): string;
}

export function useMeasures(): EdgeWords {
  const { t, n } = useI18n();
  const words = useWords();
  const figure = (value: number, digits: number) => n(value, { maximumFractionDigits: digits });

  function span(seconds: number): string {
    if (seconds < MINUTE_S) return t("edge.span.s", { n: figure(seconds, seconds < 10 ? 1 : 0) });
    if (seconds < HOUR_S) return t("edge.span.min", { n: figure(seconds / MINUTE_S, 0) });
    return t("edge.span.h", { n: figure(seconds / HOUR_S, 1) });
  }

  return {
    rate: (bps) => t("edge.rate", { n: figure(bps / MBIT_BPS, bps < MBIT_BPS ? 2 : 1) }),
    size: words.bytes,
    span,
    say: ({ key, named }) => t(key, named),
  };
}
