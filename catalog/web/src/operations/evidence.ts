/** Evidence as a sentence: keys of the catalogue and what stands in them. Pure. */
import type { EvidenceRow } from "@/api/types";

export const CODES = [
  "encoder_silent", "encoder_gaps", "encoder_behind", "transcoder_slow", "parts_old",
  "parts_stopped", "origin_busy", "box_untold", "line_thin", "line_lags", "line_alike",
  "box_closed", "box_unheard", "box_disk_full", "box_disk_read_only", "box_disk_failing",
  "box_busy", "box_alike", "wifi_some", "wifi_spread", "wifi_stands", "device_away",
  "device_silent", "device_late", "device_stalls", "device_skew", "database_away", "store_away",
  "disk_full", "work_stuck",
] as const;

export interface Sentence {
  key: string;
  named: Record<string, string>;
}

/** Figures with their units, in the reader's language. */
export interface Measures {
  rate(bps: number): string;
  span(seconds: number): string;
  count(value: number): string;
  share(value: number): string;
}

function figureOf(value: number, unit: string, form: Measures): string {
  switch (unit) {
    case "s":
      return form.span(value);
    case "bps":
      return form.rate(value);
    case "share":
      return form.share(value);
    default:
      return form.count(value);
  }
}

/** `nameOf` turns what the evidence is about into a name: a session's title, a device as it is. */
export function sentenceOf(
  row: EvidenceRow,
  form: Measures,
  nameOf: (about: string) => string,
): Sentence {
  const known = CODES.some((code) => code === row.code);
  return {
    key: `operations.evidence.${known ? row.code : "other"}`,
    named: {
      figure: figureOf(row.figure, row.unit, form),
      limit: figureOf(row.limit, row.unit, form),
      about: nameOf(row.about),
      code: row.code,
    },
  };
}
