import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { effectScope, type EffectScope } from "vue";
import type { Page } from "@/api/types";
import { usePaging } from "@/ui/paging";
import { itemAfter } from "@/ui/useMenu";

describe("keys in a menu", () => {
  it.each([
    ["ArrowDown", 0, 1],
    ["ArrowDown", 2, 0],
    ["ArrowDown", -1, 0],
    ["ArrowUp", 0, 2],
    ["ArrowUp", -1, 2],
    ["Home", 2, 0],
    ["End", 0, 2],
    ["Enter", 0, -1],
  ])("%s from %i leads to %i", (key, at, next) => {
    expect(itemAfter(key, at, 3)).toBe(next);
  });

  it("leads nowhere in an empty list", () => {
    expect(itemAfter("ArrowDown", -1, 0)).toBe(-1);
  });
});

interface Asked {
  cursor: string | undefined;
  give: (page: Page<string>) => void;
  fail: () => void;
}

describe("a list that comes in parts", () => {
  let scope: EffectScope;
  let asked: Asked[];

  function begin() {
    asked = [];
    const made = scope.run(() =>
      usePaging<Page<string>>(
        (cursor) =>
          new Promise((resolve, reject) => {
            asked.push({ cursor, give: resolve, fail: () => reject(new Error("away")) });
          }),
      ),
    );
    if (!made) throw new Error("the scope has ended");
    return made;
  }

  beforeEach(() => {
    vi.stubGlobal("window", globalThis);
    scope = effectScope();
  });
  afterEach(() => {
    scope.stop();
    vi.unstubAllGlobals();
  });

  it("adds what follows and stops at the end", async () => {
    const list = begin();
    const loading = list.load();
    asked[0]?.give({ items: ["一", "二"], next_cursor: "c" });
    await loading;
    const further = list.more();
    expect(asked[1]?.cursor).toBe("c");
    expect(list.moreBusy.value).toBe(true);
    asked[1]?.give({ items: ["三"], next_cursor: null });
    await further;
    expect(list.items.value).toEqual(["一", "二", "三"]);
    await list.more();
    expect([asked.length, list.cursor.value, list.moreBusy.value]).toEqual([2, null, false]);
  });

  it("drops a part of the list before", async () => {
    const list = begin();
    const loading = list.load();
    asked[0]?.give({ items: ["旧"], next_cursor: "c" });
    await loading;
    const late = list.more();
    const again = list.load();
    asked[2]?.give({ items: ["新"], next_cursor: null });
    await again;
    asked[1]?.give({ items: ["旧二"], next_cursor: "d" });
    await late;
    expect([list.items.value, list.cursor.value]).toEqual([["新"], null]);
  });

  it("keeps what is shown when the rest fails, and can ask again", async () => {
    const list = begin();
    const loading = list.load();
    asked[0]?.give({ items: ["一"], next_cursor: "c" });
    await loading;
    const further = list.more();
    asked[1]?.fail();
    await further;
    expect([list.items.value, list.moreFailed.value]).toEqual([["一"], true]);
    const again = list.more();
    expect([asked[2]?.cursor, list.moreFailed.value]).toEqual(["c", false]);
    asked[2]?.give({ items: [], next_cursor: null });
    await again;
  });

  it("shows another kind of list only when it is there", async () => {
    const list = begin();
    const loading = list.load();
    asked[0]?.give({ items: ["一"], next_cursor: null });
    await loading;
    expect(list.empty.value).toBe(false);
    const other = list.load(true);
    expect(list.items.value).toEqual([]);
    asked[1]?.give({ items: [], next_cursor: null });
    await other;
    expect(list.empty.value).toBe(true);
  });
});
