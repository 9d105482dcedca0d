/** Words of the box's own page, which imports this first. */
import { addCatalogue } from "@/i18n/catalogue";
import zh from "@/i18n/edge.zh-CN.json";

await addCatalogue(zh, async () => (await import("@/i18n/edge.en.json")).default);
