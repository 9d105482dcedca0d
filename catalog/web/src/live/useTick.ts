/** A reactive "now" (ms of this machine) that moves once a second, for clocks on the page. */
import { onScopeDispose, ref, type Ref } from "vue";

export function useTick(everyMs = 1000): Ref<number> {
  const now = ref(Date.now());
  const timer = window.setInterval(() => (now.value = Date.now()), everyMs);
  onScopeDispose(() => window.clearInterval(timer));
  return now;
}
