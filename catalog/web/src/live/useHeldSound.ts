/** Sound that the browser holds back until somebody touches the page: one button for all pictures. */
import { computed, onScopeDispose, shallowReactive } from "vue";

interface Held {
  open(): void;
  /** A picture beside the lesson's: it shows the button only where it is alone. */
  small(): boolean;
}

const all = shallowReactive(new Set<Held>());

export function useHeldSound(mine: Held) {
  const asks = computed(() => {
    const held = [...all];
    return (held.find((one) => !one.small()) ?? held[0]) === mine;
  });

  function hold(on: boolean): void {
    if (on) all.add(mine);
    else all.delete(mine);
  }

  /** To be called in the press of the button: the browser must see that somebody wants it. */
  function openAll(): void {
    for (const one of [...all]) one.open();
  }

  onScopeDispose(() => hold(false));
  return { asks, hold, openAll };
}
