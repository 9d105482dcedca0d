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

/** A day in the reader's own time: "11月23日", with the year when it is another one. */
export function day(iso: string, locale: string, now: Date): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return "";
  const options: Intl.DateTimeFormatOptions = { month: "short", day: "numeric" };
  if (date.getFullYear() !== now.getFullYear()) options.year = "numeric";
  return new Intl.DateTimeFormat(locale, options).format(date);
}

/** First moment of the teaching week (Monday) that holds `now`, in local time. */
export function weekStart(now: Date): Date {
  const start = new Date(now.getFullYear(), now.getMonth(), now.getDate());
  start.setDate(start.getDate() - ((start.getDay() + 6) % 7));
  return start;
}
