/** Short messages at the foot of the page, with one action such as undo. */
import { reactive } from "vue";

export interface Toast {
  id: number;
  text: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 8000;
let last = 0;
export const toasts = reactive<Toast[]>([]);

export function dismiss(id: number): void {
  const at = toasts.findIndex((toast) => toast.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

export function say(text: string, action?: Toast["action"]): void {
  last += 1;
  const id = last;
  toasts.push(action ? { id, text, action } : { id, text });
  window.setTimeout(() => dismiss(id), SHOWN_MS);
}
