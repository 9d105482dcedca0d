/** One request behind a page: its data, its failure, and `slow` from 200 ms on for skeletons. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";

const SKELETON_AFTER_MS = 200;

export interface Load<T> {
  data: ShallowRef<T | undefined>;
  error: ShallowRef<unknown>;
  busy: Ref<boolean>;
  slow: Ref<boolean>;
  run: () => Promise<void>;
}

/** `fetcher` is aborted when it is asked again or the page goes. */
export function useLoad<T>(fetcher: (signal: AbortSignal) => Promise<T>): Load<T> {
  const data = shallowRef<T>();
  const error = shallowRef<unknown>();
  const busy = ref(false);
  const slow = ref(false);
  let control: AbortController | undefined;
  let timer = 0;

  async function run(): Promise<void> {
    control?.abort();
    const mine = new AbortController();
    control = mine;
    busy.value = true;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => (slow.value = true), SKELETON_AFTER_MS);
    try {
      data.value = await fetcher(mine.signal);
      error.value = undefined;
    } catch (failure) {
      if (!mine.signal.aborted) error.value = failure;
    } finally {
      if (control === mine) settle();
    }
  }

  function settle(): void {
    window.clearTimeout(timer);
    busy.value = false;
    slow.value = false;
  }

  onScopeDispose(() => {
    control?.abort();
    window.clearTimeout(timer);
  });
  return { data, error, busy, slow, run };
}
