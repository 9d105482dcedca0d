/** What goes with the picture as text: subtitles in a language, chapters, thumbnails. */
import { computed, ref, shallowRef, watch, type Ref } from "vue";
import type { Lesson } from "@/api/types";
import { indexAt, parseCues, parseThumbnails, type Cue, type Thumbnail } from "./vtt";

const KEY = "tongbu.captions";

async function fetchText(url: string): Promise<string> {
  const answer = await fetch(url, { credentials: "same-origin" });
  return answer.ok ? answer.text() : "";
}

/** Follow one address: what `parse` makes of its text, `empty` while there is none. */
function useParsed<T>(url: () => string | null | undefined, parse: (text: string, base: string) => T[]) {
  const parsed = shallowRef<T[]>([]);
  watch(
    url,
    async (now) => {
      if (!now) {
        parsed.value = [];
        return;
      }
      const address = new URL(now, window.location.href).href;
      const text = await fetchText(address).catch(() => "");
      if (url() === now) parsed.value = parse(text, address);
    },
    { immediate: true },
  );
  return parsed;
}

export function useTexts(lesson: Ref<Lesson | undefined>, time: () => number) {
  const tracks = computed(() => lesson.value?.urls.subtitles ?? []);
  const language = ref("");
  const shown = ref(localStorage.getItem(KEY) !== "off");

  watch(
    tracks,
    (all) => {
      if (all.some((track) => track.language === language.value)) return;
      const wanted = localStorage.getItem(KEY);
      const best = all.find((track) => track.language === wanted) ?? all[0];
      language.value = best?.language ?? "";
    },
    { immediate: true },
  );

  const url = () => tracks.value.find((track) => track.language === language.value)?.url;
  const cues = useParsed<Cue>(url, parseCues);
  const chapters = useParsed<Cue>(() => lesson.value?.urls.chapters, parseCues);
  const thumbnails = useParsed<Thumbnail>(() => lesson.value?.urls.thumbnails, parseThumbnails);
  const cueIndex = computed(() => {
    const index = indexAt(cues.value, time());
    return (cues.value[index]?.end ?? 0) > time() ? index : -1;
  });
  const chapterIndex = computed(() => indexAt(chapters.value, time()));
  const caption = computed(() => (shown.value ? (cues.value[cueIndex.value]?.text ?? "") : ""));

  function choose(value: string): void {
    shown.value = value !== "";
    if (value) language.value = value;
    localStorage.setItem(KEY, value || "off");
  }

  function toggle(): void {
    choose(shown.value ? "" : language.value);
  }

  return { tracks, language, shown, cues, chapters, thumbnails, cueIndex, chapterIndex, caption, choose, toggle };
}

export type Texts = ReturnType<typeof useTexts>;
