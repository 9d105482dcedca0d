/** Words of the operations page, which imports this first. */
import { addCatalogue } from "@/i18n/catalogue";
import zh from "@/i18n/operations.zh-CN.json";

await addCatalogue(zh, async () => (await import("@/i18n/operations.en.json")).default);
