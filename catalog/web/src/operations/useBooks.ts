/**
 * The runbooks, and which is open beside the wall. They come as soon as the page has come: they are
 * read when the database, the store or the whole origin is silent, and nothing can be asked for.
 */
import { inject, provide, ref, shallowRef, type InjectionKey, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import type { AlertRow } from "@/api/types";
import type { About } from "./runbook";

export interface OpenBook {
  name: string;
  about: About;
  /** The alert from which it was opened. */
  alert?: AlertRow | undefined;
}

const OPENED: InjectionKey<Ref<OpenBook | undefined>> = Symbol("opened");

/** Markdown by the name of its alert; undefined until it has come. */
export const books = shallowRef<ReadonlyMap<string, string>>();

/** What a browser could not load it may be asked for again. */
export async function loadBooks(): Promise<void> {
  books.value ??= (await import("./books")).BOOKS;
}

export function provideBooks(): Ref<OpenBook | undefined> {
  const opened = ref<OpenBook>();
  void loadBooks().catch(() => undefined);
  provide(OPENED, opened);
  return opened;
}

export interface Books {
  open(alert: AlertRow | string, about?: About): void;
  /** What an alert is called in the reader's language; one that nobody here knows, by its name. */
  titleOf(name: string): string;
}

export function useBooks(): Books {
  const { t, te } = useI18n();
  const opened = inject(OPENED, undefined);
  return {
    open(alert, about = {}) {
      if (!opened) return;
      opened.value = typeof alert === "string" ? { name: alert, about } : { name: alert.name, about, alert };
    },
    titleOf(name) {
      const key = `operations.alert.${name}`;
      return te(key) || te(key, "zh-CN") ? t(key) : name;
    },
  };
}
