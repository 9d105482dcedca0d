/** A room for the life of a component: its state as one ref, its clock, what people may say. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";
import { i18n } from "@/i18n";
import { say as toast } from "@/ui/toast";
import { EMPTY_VIEW, RoomClient, type RoomView } from "./room/client";
import type { Delivery, Device, Report, Say } from "./room/messages";
import type { Beat } from "./stream/livePlayer";

export interface RoomHandle {
  view: ShallowRef<RoomView>;
  /** The key to publish the feed `floor` with, while this member has the floor. */
  floorKey: Ref<string>;
  beat: Beat;
  say(message: Say): void;
  report(report: Report): void;
  deliveredBy(delivery: Delivery): void;
  /** Take this member's place back from another window. */
  takeBack(): void;
  /** Seconds since the lesson began, by the server's clock. */
  lessonS(): number;
}

const REASONS = new Set([
  "unreadable", "no_right", "not_now", "unknown", "too_many", "too_fast", "too_long",
]);

/**
 * Joins as soon as there is a path, which is asked for at each connection, because the token in it
 * may be renewed.
 */
export function useRoom(path: () => string | undefined, device: Device, delivery: Delivery = "ws"): RoomHandle {
  const floorKey = ref("");
  let client: RoomClient | undefined;
  const view = shallowRef<RoomView>(EMPTY_VIEW);

  function join(): RoomClient {
    return new RoomClient(() => path() ?? "", { device, delivery }, {
      changed: () => changed(),
      refused: ({ reason }) => {
        const known = REASONS.has(reason) ? reason : "no_right";
        toast(i18n.global.t(`refused.${known}`));
      },
      floorKey: (key) => (floorKey.value = key),
    });
  }

  function changed(): void {
    if (!client) return;
    view.value = client.view;
    const { floor } = client.view.room;
    if (floor.state === "free" || floor.member !== client.view.member) floorKey.value = "";
  }

  watch(
    () => path() !== undefined,
    (known) => {
      if (known && "WebSocket" in window) client ??= join();
    },
    { immediate: true },
  );

  const beat: Beat = {
    serverMs: (ours) => client?.clock.serverMs(ours) ?? ours,
    get known() {
      return client?.clock.known === true;
    },
    get errorMs() {
      return client?.clock.best?.errorMs ?? Infinity;
    },
    get delayS() {
      return (client?.view ?? EMPTY_VIEW).targetMs / 1000;
    },
  };

  onScopeDispose(() => client?.close());
  return {
    view,
    floorKey,
    beat,
    say: (message) => void client?.say(message),
    report: (report) => client?.report(report),
    deliveredBy: (kind) => client?.deliveredBy(kind),
    takeBack: () => {
      client?.close();
      client = join();
    },
    lessonS: () => {
      const began = view.value.room.began;
      return began === null ? 0 : Math.max(0, beat.serverMs(performance.now()) / 1000 - began);
    },
  };
}
