/** Keeps the screen on while a component lives; taken again when the page is shown again. */
import { onMounted, onScopeDispose } from "vue";

export function useWakeLock(): void {
  let lock: WakeLockSentinel | undefined;
  let over = false;

  async function take(): Promise<void> {
    if (document.hidden || !("wakeLock" in navigator)) return;
    const taken = await navigator.wakeLock.request("screen").catch(() => undefined);
    if (over) void taken?.release();
    else lock = taken;
  }

  const retake = () => void take();
  onMounted(retake);
  document.addEventListener("visibilitychange", retake);
  onScopeDispose(() => {
    over = true;
    document.removeEventListener("visibilitychange", retake);
    void lock?.release();
  });
}
