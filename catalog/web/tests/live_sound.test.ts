import { effectScope, type EffectScope } from "vue";
import { describe, expect, it } from "vitest";
import { useHeldSound } from "@/live/useHeldSound";

interface Picture extends ReturnType<typeof useHeldSound> {
  scope: EffectScope;
  opened: number;
}

function picture(small = false): Picture {
  const scope = effectScope();
  const made = { scope, opened: 0 } as Picture;
  scope.run(() => Object.assign(made, useHeldSound({ open: () => made.opened++, small: () => small })));
  return made;
}

describe("sound that the browser holds back", () => {
  it("is asked for by the lesson's picture alone, whichever came first", () => {
    const floor = picture(true);
    const lesson = picture();
    floor.hold(true);
    expect([lesson.asks.value, floor.asks.value]).toEqual([false, true]);
    lesson.hold(true);
    expect([lesson.asks.value, floor.asks.value]).toEqual([true, false]);
    lesson.hold(false);
    expect([lesson.asks.value, floor.asks.value]).toEqual([false, true]);
    for (const one of [lesson, floor]) one.scope.stop();
  });

  it("opens in all pictures that wait, and in no other", () => {
    const lesson = picture();
    const waiting = [lesson, picture(true)];
    const heard = picture();
    for (const one of waiting) one.hold(true);
    lesson.openAll();
    expect([...waiting, heard].map((one) => one.opened)).toEqual([1, 1, 0]);
    for (const one of [...waiting, heard]) one.scope.stop();
  });

  it("is not asked for by a picture that is gone", () => {
    const lesson = picture();
    const floor = picture(true);
    lesson.hold(true);
    floor.hold(true);
    lesson.scope.stop();
    expect(floor.asks.value).toBe(true);
    floor.openAll();
    expect([lesson.opened, floor.opened]).toEqual([0, 1]);
    floor.scope.stop();
  });
});
