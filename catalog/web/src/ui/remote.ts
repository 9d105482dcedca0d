/** Arrow keys move the focus between controls, so that a five-key remote reaches everything. */
import { nearest, type Box, type Direction } from "./spatial";

const FOCUSABLE =
  "a[href], button:not(:disabled), input:not(:disabled), select:not(:disabled), textarea, [tabindex='0']";
const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

function takesArrows(element: Element): boolean {
  if (element.matches("textarea, select, [role=slider], [role=tab], [contenteditable]")) return true;
  return element.matches("input:not([type=checkbox], [type=radio], [type=button])");
}

function visible(element: HTMLElement): boolean {
  if (element.tabIndex < 0) return false;
  return element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
}

function candidates(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(visible);
}

function boxOf(element: Element): Box {
  return element.getBoundingClientRect();
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || !ARROWS.has(event.key)) return;
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const from = document.activeElement;
  if (!(from instanceof HTMLElement) || from === document.body || takesArrows(from)) return;
  const root = from.closest("[role=dialog]") ?? document;
  const others = candidates(root).filter((element) => element !== from);
  const next = others[nearest(boxOf(from), others.map(boxOf), event.key as Direction)];
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** A remote's back key is not always the browser's. */
function onBack(event: KeyboardEvent): void {
  if (event.key === "GoBack" || event.key === "BrowserBack") window.history.back();
}

export function startRemote(): void {
  window.addEventListener("keydown", onKey);
  window.addEventListener("keydown", onBack);
}
