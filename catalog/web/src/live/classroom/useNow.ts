/** What a classroom's device is to show now: asked again and again, answered when there is news. */
import { onMounted, onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { sessions, type ClassroomNow } from "../api";
import { waitS } from "../stream/backoff";

const WAIT_S = 25;
const LONGEST_WAIT_S = 15;

export interface ClassroomWatch {
  now: ShallowRef<ClassroomNow | undefined>;
  /** The last answer was a failure; what is shown may be old. */
  error: ShallowRef<unknown>;
  /** What to add to this machine's clock, ms. */
  aheadMs: Ref<number>;
}

export function useNow(): ClassroomWatch {
  const now = shallowRef<ClassroomNow>();
  const error = shallowRef<unknown>();
  const aheadMs = ref(0);
  const control = new AbortController();
  let tries = 0;
  let timer = 0;

  async function ask(): Promise<void> {
    const seen = error.value === undefined ? (now.value?.version ?? "") : "";
    try {
      const found = await sessions.classroomNow(seen, seen ? WAIT_S : 0, control.signal);
      now.value = found;
      aheadMs.value = Date.parse(found.now) - Date.now();
      error.value = undefined;
      tries = 0;
    } catch (failure) {
      if (control.signal.aborted) return;
      error.value = failure;
      tries += 1;
    }
    const pause = Math.min(LONGEST_WAIT_S, waitS(tries, Math.random()) * 2);
    timer = window.setTimeout(() => void ask(), Math.max(200, pause * 1000));
  }

  onMounted(ask);
  onScopeDispose(() => {
    control.abort();
    window.clearTimeout(timer);
  });
  return { now, error, aheadMs };
}
