/** Light, dark, or the large dark one for classroom screens; kept in this browser. */
import { ref } from "vue";

export const THEMES = ["light", "dark", "classroom"] as const;
export type Theme = (typeof THEMES)[number];
const KEY = "tongbu.theme";

function saved(): Theme | undefined {
  try {
    return THEMES.find((theme) => theme === localStorage.getItem(KEY));
  } catch {
    return undefined;
  }
}

export const theme = ref<Theme>("light");

function apply(value: Theme): void {
  theme.value = value;
  document.documentElement.dataset.theme = value;
}

export function setTheme(value: Theme): void {
  apply(value);
  try {
    localStorage.setItem(KEY, value);
  } catch {
    // Without storage the choice lasts until reload.
  }
}

/** `?screen=classroom` turns a board's browser into the large theme for good. */
export function startTheme(search: string): void {
  if (new URLSearchParams(search).get("screen") === "classroom") setTheme("classroom");
  else apply(saved() ?? "light");
}

/** A classroom's device gets the large theme unless somebody chose another one. */
export function suggestClassroom(): void {
  if (!saved()) apply("classroom");
}
