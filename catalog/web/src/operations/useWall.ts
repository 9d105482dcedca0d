/** The wall, kept up by the service's events; and who does not answer when it is not. */
import {
  computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef,
} from "vue";
import { againMs, awayOf, type Away } from "@/api/away";
import { ANSWER_LIMIT_MS } from "@/api/client";
import { wallNow, watchWall } from "@/api/operations";
import { session } from "@/api/session";
import { useLoad } from "@/ui/load";
import { applied, EMPTY, silentFor, type WallState } from "./wall";

const TICK_MS = 1000;

export interface Wall {
  state: ShallowRef<WallState>;
  /** A refusal: who is asked has answered. */
  error: ComputedRef<unknown>;
  slow: Ref<boolean>;
  known: ComputedRef<boolean>;
  /** Who does not answer, before anything is known. */
  away: ComputedRef<Away | undefined>;
  /** For how many seconds the service has been silent; undefined while it tells. */
  silentS: ComputedRef<number | undefined>;
  /** Who it is, as far as asking again has shown. */
  silentBy: ComputedRef<Away>;
  nowMs: Ref<number>;
  open(): Promise<void>;
}

export function useWall(): Wall {
  const state = shallowRef<WallState>(EMPTY);
  const heardMs = ref(0);
  const nowMs = ref(Date.now());
  const found = ref<Away>();
  let close: (() => void) | undefined;
  let again = 0;
  let gone = false;

  const load = useLoad(async (signal) => {
    const limit = AbortSignal.timeout(ANSWER_LIMIT_MS);
    const change = await wallNow(AbortSignal.any([signal, limit]));
    state.value = applied(EMPTY, change);
    heardMs.value = Date.now();
    return change;
  });

  async function open(): Promise<void> {
    window.clearTimeout(again);
    await load.run();
    if (gone || close) return;
    if (load.error.value) {
      found.value = await awayOf(load.error.value);
      if (found.value && !gone) again = window.setTimeout(() => void open(), againMs());
      return;
    }
    found.value = undefined;
    close = watchWall((change) => {
      state.value = applied(state.value, change);
      found.value = undefined;
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
  watch(() => session.me.person_id, (person) => void (person && open()), { immediate: true });
  onScopeDispose(() => {
    gone = true;
    window.clearInterval(timer);
    window.clearTimeout(again);
    close?.();
  });
  const known = computed(() => heardMs.value > 0);
  const silentS = computed(() =>
    known.value ? silentFor(heardMs.value, nowMs.value) : undefined,
  );
  const away = computed(() =>
    known.value ? undefined : found.value ?? (session.me.person_id ? undefined : session.away),
  );
  const silentBy = computed<Away>(() => found.value ?? "origin");
  // What was known stays, and silence has a sentence of its own.
  const error = computed(() => (found.value || known.value ? undefined : load.error.value));
  return { state, error, slow: load.slow, known, away, silentS, silentBy, nowMs, open };
}
