/** Words of the player that the library does not carry; whoever shows them imports this first. */
import { addCatalogue } from "@/i18n/catalogue";
import zh from "@/i18n/player.zh-CN.json";

await addCatalogue(zh, async () => (await import("@/i18n/player.en.json")).default);
