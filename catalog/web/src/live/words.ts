/**
 * Words of the live pages: a catalogue of their own, so that the library does not carry them. Every
 * live page imports this first; English comes when it is asked for.
 */
import { watch } from "vue";
import { i18n, type Locale } from "@/i18n";
import zh from "@/i18n/live.zh-CN.json";

const loaded = new Set<Locale>();

function put(locale: Locale, words: typeof zh): void {
  i18n.global.mergeLocaleMessage(locale, words as never);
}

async function load(locale: string): Promise<void> {
  if (locale !== "en" || loaded.has("en")) return;
  loaded.add("en");
  put("en", (await import("@/i18n/live.en.json")).default);
}

put("zh-CN", zh);
await load(i18n.global.locale.value);
watch(i18n.global.locale, (locale) => void load(locale));
