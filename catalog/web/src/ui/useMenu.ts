/**
 * What every button with a list does: open, close, arrows, Escape, a click elsewhere.
 * Spec: ARIA menu button pattern.
 */
import { nextTick, onBeforeUnmount, ref, useTemplateRef } from "vue";

/** Give the item that a key leads to, of `count`, from the one at `at` (-1: none); -1: no key. */
export function itemAfter(key: string, at: number, count: number): number {
  if (count === 0) return -1;
  if (key === "ArrowDown") return (at + 1) % count;
  if (key === "ArrowUp") return at < 0 ? count - 1 : (at - 1 + count) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : -1;
}

/** The component marks its box `ref="root"` and its button `ref="button"`; `told` hears of changes. */
export function useMenu(told: (open: boolean) => void = () => undefined) {
  const open = ref(false);
  const root = useTemplateRef<HTMLElement>("root");
  const button = useTemplateRef<HTMLButtonElement>("button");

  function items(): HTMLElement[] {
    return [...(root.value?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  }

  async function show(first: number): Promise<void> {
    set(true);
    document.addEventListener("pointerdown", outside);
    await nextTick();
    items()[Math.max(first, 0)]?.focus();
  }

  function hide(focus: boolean): void {
    if (!open.value) return;
    set(false);
    document.removeEventListener("pointerdown", outside);
    if (focus) button.value?.focus();
  }

  function set(now: boolean): void {
    open.value = now;
    told(now);
  }

  function outside(event: Event): void {
    if (!root.value?.contains(event.target as Node)) hide(false);
  }

  function toggle(first = 0): void {
    if (open.value) hide(true);
    else void show(first);
  }

  function onKey(event: KeyboardEvent): void {
    const all = items();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const next = itemAfter(event.key, at, all.length);
    if (next >= 0) all[next]?.focus();
    else if (event.key === "Escape") hide(true);
    else if (event.key === "Tab") hide(false);
    else return;
    if (event.key !== "Tab") event.preventDefault();
    event.stopPropagation();
  }

  onBeforeUnmount(() => hide(false));
  return { open, toggle, hide, onKey };
}
