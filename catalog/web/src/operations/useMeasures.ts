/** Figures of operations with their units and times, in the reader's language. */
import { useI18n } from "vue-i18n";
import type { EvidenceRow } from "@/api/types";
import { sentenceOf, type Measures } from "./evidence";

const MINUTE_S = 60;
const HOUR_S = 3600;
const MBIT_BPS = 1_000_000;
const MS = 1000;

export interface OperationsWords extends Measures {
  time(unixS: number): string;
  ms(value: number | null): string;
  /** How fast an encoding goes, against real time. */
  pace(value: number | null): string;
  say(row: EvidenceRow, nameOf: (about: string) => string): string;
}

export function useMeasures(): OperationsWords {
  const { t, n, d } = useI18n();
  const figure = (value: number, digits: number) => n(value, { maximumFractionDigits: digits });

  function span(seconds: number): string {
    const size = Math.abs(seconds);
    if (size > 0 && size < 1) return t("operations.span.ms", { n: figure(seconds * MS, 0) });
    if (size < MINUTE_S) return t("operations.span.s", { n: figure(seconds, size < 10 ? 1 : 0) });
    if (size < HOUR_S) return t("operations.span.min", { n: figure(Math.trunc(seconds / MINUTE_S), 0) });
    return t("operations.span.h", { n: figure(seconds / HOUR_S, 1) });
  }

  function rate(bps: number): string {
    const mbit = bps / MBIT_BPS;
    return t("operations.rate", { n: figure(mbit, mbit < 1 ? 2 : mbit < 100 ? 1 : 0) });
  }

  const form: Measures = {
    rate,
    span,
    count: (value) => figure(value, 2),
    share: (value) => n(value, { style: "percent", maximumFractionDigits: 1 }),
  };
  return {
    ...form,
    time: (unixS) =>
      d(new Date(unixS * MS), {
        hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
        timeZone: "Asia/Shanghai",
      }),
    ms: (value) => (value === null ? "–" : t("operations.span.ms", { n: figure(value, 0) })),
    pace: (value) => (value === null ? "–" : t("operations.pace", { n: figure(value, 2) })),
    say: (row, nameOf) => {
      const { key, named } = sentenceOf(row, form, nameOf);
      return t(key, named);
    },
  };
}
