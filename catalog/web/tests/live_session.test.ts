import { effectScope, type EffectScope } from "vue";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useSession } from "@/live/useSession";

describe("the session behind a page", () => {
  let asked: number;
  let answer: Promise<Response> | undefined;
  let told: boolean;
  let scope: EffectScope;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("window", globalThis);
    vi.stubGlobal("fetch", () => {
      asked += 1;
      return answer ?? Promise.resolve(Response.json({ id: "s1", state: "waiting" }));
    });
    [asked, answer, told] = [0, undefined, false];
    scope = effectScope();
    scope.run(() => useSession(() => "s1", () => told));
  });

  afterEach(() => {
    scope.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("is read every few seconds while no room tells what happens", async () => {
    const before = asked;
    await vi.advanceTimersByTimeAsync(16_000);
    expect(asked - before).toBe(3);
  });

  it("is read now and then when the room tells", async () => {
    told = true;
    const before = asked;
    await vi.advanceTimersByTimeAsync(9 * 60_000);
    expect(asked).toBe(before);
    await vi.advanceTimersByTimeAsync(2 * 60_000);
    expect(asked - before).toBe(1);
  });

  it("is not asked for again while a slow line still brings the answer", async () => {
    answer = new Promise(() => undefined);
    await vi.advanceTimersByTimeAsync(5_000);
    const before = asked;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(before);
  });
});
