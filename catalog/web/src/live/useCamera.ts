/**
 * Has a session's picture pulled from a camera and lets go of it. That one is pulled is kept in this
 * tab; its address is not, since it may hold a password.
 */
import { computed, onScopeDispose, ref, watch, type ComputedRef, type Ref } from "vue";
import { sessions, type MainFeed } from "./api";
import { cameraState, type CameraState } from "./camera";
import type { Phase } from "./phase";

export interface CameraPull {
  state: ComputedRef<CameraState>;
  /** It has been looked for longer than a camera takes to answer. */
  slow: Ref<boolean>;
  pull(url: string): Promise<void>;
  stop(): Promise<void>;
}

const SLOW_MS = 15_000;

export function useCamera(session: string, feed: MainFeed, phase: () => Phase | undefined): CameraPull {
  const key = `tongbu.camera.${session}.${feed}`;
  const asking = ref(false);
  const pulled = ref(sessionStorage.getItem(key) !== null);
  const slow = ref(false);
  let timer = 0;
  const state = computed(() => cameraState(asking.value, pulled.value, phase()));

  function keep(now: boolean): void {
    pulled.value = now;
    if (now) sessionStorage.setItem(key, "");
    else sessionStorage.removeItem(key);
  }

  async function ask(request: () => Promise<void>, then: boolean): Promise<void> {
    asking.value = true;
    try {
      await request();
      keep(then);
    } finally {
      asking.value = false;
    }
  }

  watch(
    state,
    (now) => {
      window.clearTimeout(timer);
      slow.value = false;
      if (now === "connecting") timer = window.setTimeout(() => (slow.value = true), SLOW_MS);
    },
    { immediate: true },
  );
  onScopeDispose(() => window.clearTimeout(timer));
  return {
    state, slow,
    pull: (url) => ask(() => sessions.pullCamera(session, feed, url), true),
    stop: () => ask(() => sessions.stopCamera(session, feed), false),
  };
}
