/** The wall, kept up by the service's events; and whether the service has fallen silent. */
import { computed, onMounted, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { ApiError } from "@/api/client";
import { wallNow, watchWall } from "@/api/operations";
import { useLoad } from "@/ui/load";
import { applied, EMPTY, silentFor, type WallState } from "./wall";

const TICK_MS = 1000;

export interface Wall {
  state: ShallowRef<WallState>;
  error: ShallowRef<unknown>;
  slow: Ref<boolean>;
  known: ComputedRef<boolean>;
  /** For how many seconds the service has been silent; undefined while it tells. */
  silentS: ComputedRef<number | undefined>;
  nowMs: Ref<number>;
  open(): Promise<void>;
}

export function useWall(): Wall {
  const state = shallowRef<WallState>(EMPTY);
  const heardMs = ref(0);
  const nowMs = ref(Date.now());
  let close: (() => void) | undefined;
  let gone = false;

  const load = useLoad(async (signal) => {
    const change = await wallNow(signal);
    state.value = applied(EMPTY, change);
    heardMs.value = Date.now();
    return change;
  });

  async function open(): Promise<void> {
    await load.run();
    if (gone || close || load.error.value) return;
    close = watchWall((change) => {
      state.value = applied(state.value, change);
      heardMs.value = nowMs.value = Date.now();
    });
  }

  /** A browser that was refused, after a restart or a sign-out, does not try again by itself. */
  function onTick(): void {
    nowMs.value = Date.now();
    const silent = silentFor(heardMs.value, nowMs.value);
    if (heardMs.value === 0 || silent === undefined || silent % 10 !== 0) return;
    close?.();
    close = undefined;
    void open();
  }

  const timer = window.setInterval(onTick, TICK_MS);
  onMounted(() => void open());
  onScopeDispose(() => {
    gone = true;
    window.clearInterval(timer);
    close?.();
  });
  const known = computed(() => heardMs.value > 0);
  const silentS = computed(() =>
    known.value ? silentFor(heardMs.value, nowMs.value) : undefined,
  );
  const error = computed(() => {
    const found = load.error.value;
    // Silence has a sentence of its own: what was known stays.
    return found instanceof ApiError && found.offline && known.value ? undefined : found;
  }) as unknown as ShallowRef<unknown>;
  return { state, error, slow: load.slow, known, silentS, nowMs, open };
}
