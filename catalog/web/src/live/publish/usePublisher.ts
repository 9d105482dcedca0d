/** A publisher for the life of a component: its phase and figures as refs. */
import { onScopeDispose, ref, shallowRef, type Ref } from "vue";
import type { PublishSource } from "./encoding";
import { Publisher, type PublishPhase, type PublishStats } from "./publisher";

export interface Publishing {
  /** "" while nothing is published. */
  phase: Ref<PublishPhase | "">;
  why: Ref<string>;
  stats: Ref<PublishStats | undefined>;
  start(path: string, source: PublishSource): void;
  picture(ownUs: number): void;
  stop(): void;
}

export function usePublisher(): Publishing {
  const phase = ref<PublishPhase | "">("");
  const why = ref("");
  const stats = shallowRef<PublishStats>();
  let publisher: Publisher | undefined;

  function stop(): void {
    publisher?.close();
    publisher = undefined;
    phase.value = "";
    stats.value = undefined;
  }

  function start(path: string, source: PublishSource): void {
    stop();
    why.value = "";
    publisher = new Publisher(path, source, {
      phase: (next, reason) => {
        phase.value = next;
        if (reason) why.value = reason;
      },
      stats: (found) => (stats.value = found),
    });
  }

  onScopeDispose(stop);
  return { phase, why, stats, start, stop, picture: (ownUs) => publisher?.picture(ownUs) };
}
