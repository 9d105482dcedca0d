/** Numbers, lengths and days as people read them. Pure: the locale and `now` are arguments. */

/** "4:05", "1:02:03". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(Number.isFinite(seconds) ? seconds : 0));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

const UNITS = ["B", "KB", "MB", "GB", "TB"];

/** "734 MB", "1.5 GB": decimal units as file managers show them. */
export function bytes(count: number, locale: string): string {
  let value = Math.max(0, count);
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = value < 10 && unit > 1 ? 1 : 0;
  return `${value.toLocaleString(locale, { maximumFractionDigits: digits })} ${UNITS[unit]}`;
}

/** How much is left, coarse on purpose so that it does not dance: seconds to a round figure. */
export function roundLeft(seconds: number): { unit: "s" | "min" | "h"; value: number } {
  if (seconds < 50) return { unit: "s", value: Math.max(5, Math.ceil(seconds / 5) * 5) };
  if (seconds < 3300) return { unit: "min", value: Math.max(1, Math.round(seconds / 60)) };
  return { unit: "h", value: Math.round(seconds / 360) / 10 };
}

/** The city's clock, as catalog/people.py has it, wherever the reader's device thinks it is. */
const CITY_ZONE = "Asia/Shanghai";
const CITY_AHEAD_MS = 8 * 3_600_000;

/** The city's calendar day as the registry writes it: "2026-01-05". */
export function cityDay(now: Date): string {
  return new Date(now.getTime() + CITY_AHEAD_MS).toISOString().slice(0, 10);
}

/** A day of the city: "11月23日", with the year when it is another one. */
export function day(iso: string, locale: string, now: Date): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const options: Intl.DateTimeFormatOptions = {
    month: "short",
    day: "numeric",
    timeZone: CITY_ZONE,
  };
  if (cityDay(date).slice(0, 4) !== cityDay(now).slice(0, 4)) options.year = "numeric";
  return new Intl.DateTimeFormat(locale, options).format(date);
}

/** First moment of the city's teaching week (Monday) that holds `now`. */
export function weekStart(now: Date): Date {
  const midnight = new Date(`${cityDay(now)}T00:00:00Z`);
  midnight.setUTCDate(midnight.getUTCDate() - ((midnight.getUTCDay() + 6) % 7));
  return new Date(midnight.getTime() - CITY_AHEAD_MS);
}
