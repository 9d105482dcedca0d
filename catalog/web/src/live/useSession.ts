/** One session behind a page; read again now and then, because its addresses carry tokens that end. */
import { onScopeDispose } from "vue";
import { useLoad, type Load } from "@/ui/load";
import { sessions, type Session } from "./api";

const AGAIN_MS = 10 * 60_000;

export function useSession(id: () => string): Load<Session> {
  const load = useLoad((signal) => sessions.get(id(), signal));
  const timer = window.setInterval(() => void load.run(), AGAIN_MS);
  onScopeDispose(() => window.clearInterval(timer));
  return load;
}
