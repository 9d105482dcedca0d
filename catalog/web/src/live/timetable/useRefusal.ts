/** The server's "this is taken" in the reader's words; undefined when it is about something else. */
import { useI18n } from "vue-i18n";
import { ApiError } from "@/api/client";
import { readRefusal } from "./clash";

export function useRefusal(): (error: unknown) => string | undefined {
  const { t } = useI18n();
  return (error) => {
    if (!(error instanceof ApiError) || error.status !== 409) return undefined;
    const refusal = readRefusal(error.message);
    if (refusal.kind === "full") return t("booking.full", { n: refusal.pictures });
    if (refusal.kind === "other") return t("booking.clashOther");
    const { what, day, time, title } = refusal;
    return t("booking.clash", { what, title, when: `${day} ${time}` });
  };
}
