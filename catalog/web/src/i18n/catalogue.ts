/** A catalogue of its own for pages that few open: merged when the first of them is. */
import { watch } from "vue";
import { i18n } from "./index";

/** Chinese comes with the page, English when it is asked for. */
export async function addCatalogue(zh: object, english: () => Promise<object>): Promise<void> {
  let loaded = false;

  async function load(locale: string): Promise<void> {
    if (locale !== "en" || loaded) return;
    loaded = true;
    i18n.global.mergeLocaleMessage("en", (await english()) as never);
  }

  i18n.global.mergeLocaleMessage("zh-CN", zh as never);
  await load(i18n.global.locale.value);
  watch(i18n.global.locale, (locale) => void load(locale));
}
