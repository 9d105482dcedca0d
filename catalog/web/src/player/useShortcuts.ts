/** Keys of the keyboard and of a board's remote, as commands to the player. */
import { onBeforeUnmount, onMounted, type Ref } from "vue";
import { theme } from "@/ui/theme";
import { commandFor, type Command } from "./keys";

/** `woken` hears of every key, `run` of those that mean something here. */
export function useShortcuts(
  root: Ref<HTMLElement | undefined>,
  run: (command: Command) => void,
  woken: () => void,
): void {
  function placeOf(target: EventTarget | null): "picture" | "control" | "text" {
    if (!(target instanceof HTMLElement)) return "picture";
    if (target.matches("input:not([type=range]), textarea, select, [contenteditable]")) return "text";
    if (target === root.value || target.matches("body, main")) return "picture";
    return target.closest("button, a, input, [role=slider], [role=tab]") ? "control" : "picture";
  }

  function commandOf(event: KeyboardEvent): Command | undefined {
    if (event.key === "Enter" && event.target === root.value) return { do: "toggle" };
    // On a board the arrows up and down leave the picture; the board has its own volume keys.
    if (theme.value === "classroom" && /^Arrow(Up|Down)$/.test(event.key)) return undefined;
    const modified = event.ctrlKey || event.altKey || event.metaKey;
    return commandFor(event.key, modified, placeOf(event.target));
  }

  function onKey(event: KeyboardEvent): void {
    woken();
    if (event.defaultPrevented) return;
    const command = commandOf(event);
    if (!command) return;
    run(command);
    event.preventDefault();
  }

  onMounted(() => document.addEventListener("keydown", onKey));
  onBeforeUnmount(() => document.removeEventListener("keydown", onKey));
}
