/** The box's status, asked for every two seconds while the page is looked at. */
import { onMounted, onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { ApiError } from "@/api/client";
import { edgeStatus, type EdgeStatus } from "@/api/edge";
import { useLoad } from "@/ui/load";
import { added, type Sample } from "./trace";

export const POLL_EVERY_MS = 2000;
const ANSWER_LIMIT_MS = 6000;

export interface EdgeWatch {
  status: ShallowRef<EdgeStatus | undefined>;
  error: ShallowRef<unknown>;
  slow: Ref<boolean>;
  trace: ShallowRef<readonly Sample[]>;
  /** When `status` came, ms of this machine. */
  seenMs: Ref<number>;
  /** Ask at once; true when the box answered. */
  poll(): Promise<boolean>;
}

/** A box that takes the question and never answers is as good as away. */
async function within(signal: AbortSignal): Promise<EdgeStatus> {
  const mine = new AbortController();
  const stop = () => mine.abort();
  signal.addEventListener("abort", stop);
  const timer = window.setTimeout(stop, ANSWER_LIMIT_MS);
  try {
    return await edgeStatus(mine.signal);
  } catch (error) {
    throw mine.signal.aborted && !signal.aborted ? new ApiError(0, "") : error;
  } finally {
    window.clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}

export function useEdgeStatus(): EdgeWatch {
  const load = useLoad(within);
  const trace = shallowRef<readonly Sample[]>([]);
  const seenMs = ref(0);
  let timer = 0;
  let gone = false;

  async function poll(): Promise<boolean> {
    window.clearTimeout(timer);
    const before = load.data.value;
    await load.run();
    const found = load.data.value;
    const came = found !== undefined && found !== before;
    if (came) {
      seenMs.value = Date.now();
      trace.value = added(trace.value, { atMs: seenMs.value, bps: found.line.use_bps });
    }
    window.clearTimeout(timer);
    if (!gone && !document.hidden) timer = window.setTimeout(() => void poll(), POLL_EVERY_MS);
    return came;
  }

  function onSight(): void {
    if (!document.hidden) void poll();
  }

  onMounted(() => {
    document.addEventListener("visibilitychange", onSight);
    void poll();
  });
  onScopeDispose(() => {
    gone = true;
    window.clearTimeout(timer);
    document.removeEventListener("visibilitychange", onSight);
  });
  return { status: load.data, error: load.error, slow: load.slow, trace, seenMs, poll };
}
