/** Chinese first; English is loaded when asked for. The choice is kept in this browser. */
import { createI18n } from "vue-i18n";
import zh from "./zh-CN.json";

export type Locale = "zh-CN" | "en";
const KEY = "tongbu.locale";

export const i18n = createI18n({
  legacy: false,
  locale: "zh-CN",
  fallbackLocale: "zh-CN",
  messages: { "zh-CN": zh } as Record<string, typeof zh>,
  missingWarn: import.meta.env.DEV,
  fallbackWarn: import.meta.env.DEV,
});

export function savedLocale(): Locale {
  try {
    return localStorage.getItem(KEY) === "en" ? "en" : "zh-CN";
  } catch {
    return "zh-CN";
  }
}

export async function setLocale(locale: Locale): Promise<void> {
  if (locale === "en" && !i18n.global.availableLocales.includes("en")) {
    i18n.global.setLocaleMessage("en", (await import("./en.json")).default);
  }
  i18n.global.locale.value = locale;
  document.documentElement.lang = locale;
  try {
    localStorage.setItem(KEY, locale);
  } catch {
    // Storage may be closed (private window); the choice then lasts until reload.
  }
}
