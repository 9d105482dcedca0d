/**
 * One session behind a page; read again now and then, because its addresses carry tokens that end,
 * and often where the room cannot tell what happens (a network that lets no WebSocket through).
 */
import { onScopeDispose } from "vue";
import { useLoad, type Load } from "@/ui/load";
import { sessions, type Session } from "./api";

const AGAIN_MS = 10 * 60_000;
/** What happens is noticed that much later at most. */
const UNTOLD_MS = 5_000;

export function useSession(id: () => string, told: () => boolean): Load<Session> {
  const load = useLoad((signal) => sessions.get(id(), signal));
  let readAt = performance.now();
  const timer = window.setInterval(() => {
    if (load.busy.value || (told() && performance.now() - readAt < AGAIN_MS)) return;
    readAt = performance.now();
    void load.run();
  }, UNTOLD_MS);
  onScopeDispose(() => window.clearInterval(timer));
  return load;
}
