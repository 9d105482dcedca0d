/** A list that comes in parts: the first one behind the page, further ones when asked for. */
import { computed, ref, shallowRef } from "vue";
import type { Page } from "@/api/types";
import { useLoad } from "./load";

/** `ask` gives the part at a cursor; undefined: the first. An answer that is late is dropped. */
export function usePaging<P extends Page<unknown>>(
  ask: (cursor: string | undefined, signal?: AbortSignal) => Promise<P>,
) {
  const first = useLoad<P>((signal) => ask(undefined, signal));
  const items = shallowRef<P["items"][number][]>([]);
  const cursor = ref<string | null>(null);
  const moreBusy = ref(false);
  const moreFailed = ref(false);
  let list = 0;

  /** Begin anew. What is shown stays until the answer is there, unless it is of another kind. */
  async function load(clear = false): Promise<void> {
    const mine = (list += 1);
    if (clear) items.value = [];
    cursor.value = null;
    moreFailed.value = false;
    await first.run();
    if (mine !== list || first.error.value) return;
    items.value = first.data.value?.items ?? [];
    cursor.value = first.data.value?.next_cursor ?? null;
  }

  async function more(): Promise<void> {
    if (!cursor.value || moreBusy.value) return;
    const mine = list;
    moreBusy.value = true;
    moreFailed.value = false;
    try {
      const page = await ask(cursor.value);
      if (mine !== list) return;
      items.value = [...items.value, ...page.items];
      cursor.value = page.next_cursor;
    } catch {
      moreFailed.value = mine === list;
    } finally {
      moreBusy.value = false;
    }
  }

  const empty = computed(
    () => first.data.value !== undefined && !first.busy.value && items.value.length === 0,
  );
  return { first, items, cursor, empty, moreBusy, moreFailed, load, more };
}
