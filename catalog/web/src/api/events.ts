/** Server-sent events about lessons. The browser reconnects by itself; `close` ends it. */
import { API, queryString } from "./client";
import type { LessonEvent } from "./types";

export function watchLessons(
  which: { lessons?: readonly string[]; mine?: boolean },
  onEvent: (event: LessonEvent) => void,
): () => void {
  const source = new EventSource(
    `${API}/events${queryString({ lesson: which.lessons, mine: which.mine })}`,
  );
  source.addEventListener("lesson", (message) => {
    onEvent(JSON.parse((message as MessageEvent<string>).data) as LessonEvent);
  });
  return () => source.close();
}
