/** Words of the live pages, so that the library does not carry them. Every live page imports this first. */
import { addCatalogue } from "@/i18n/catalogue";
import zh from "@/i18n/live.zh-CN.json";

await addCatalogue(zh, async () => (await import("@/i18n/live.en.json")).default);
