/** Camera, microphone and screen of this page as they are chosen; the drawn picture; the level. */
import { onScopeDispose, reactive, ref, shallowRef, watch, type Ref } from "vue";
import { i18n } from "@/i18n";
import {
  DeviceError,
  listDevices,
  openCamera,
  openMicrophone,
  openScreen,
  secure,
  stop,
  type Devices,
  type DeviceTrouble,
  type PictureKind,
} from "./devices";
import { Mixer } from "./mixer";
import { Picture } from "./picture";

export type DeviceName = "camera" | "microphone" | "screen";

const LEVEL_EVERY_MS = 80;
/** A level that speech reaches and a quiet room does not. */
export const HEARD_LEVEL = 0.35;
const SEEN_WITHIN_MS = 2000;
const KEY = "tongbu.devices";

export interface Capture {
  devices: Ref<Devices>;
  choice: { camera: string; microphone: string; kind: PictureKind };
  trouble: Partial<Record<DeviceName, DeviceTrouble>>;
  level: Ref<number>;
  /** The microphone has been heard; pictures come from the chosen source. */
  heard: Ref<boolean>;
  seen: Ref<boolean>;
  secure: boolean;
  sound(): MediaStreamTrack | undefined;
  open(): Promise<void>;
  show(kind: PictureKind): Promise<void>;
  retry(name: DeviceName): Promise<void>;
}

export function useCapture(
  canvas: Ref<HTMLCanvasElement | undefined>,
  drawn: (ownUs: number) => void,
): Capture {
  const devices = shallowRef<Devices>({ cameras: [], microphones: [] });
  const choice = reactive({ ...remembered(), kind: "camera" as PictureKind });
  const trouble = reactive<Partial<Record<DeviceName, DeviceTrouble>>>({});
  const level = ref(0);
  const heard = ref(false);
  const seen = ref(false);
  const streams = new Map<DeviceName, MediaStream>();
  let mixer: Mixer | undefined;
  let picture: Picture | undefined;
  let drawnAt = 0;
  let over = false;
  const timer = window.setInterval(measure, LEVEL_EVERY_MS);

  function measure(): void {
    level.value = mixer?.level() ?? 0;
    if (level.value > HEARD_LEVEL) heard.value = true;
    seen.value = performance.now() - drawnAt < SEEN_WITHIN_MS;
  }

  async function take(name: DeviceName, ask: () => Promise<MediaStream>): Promise<void> {
    stop(streams.get(name));
    streams.delete(name);
    try {
      const stream = await ask();
      if (over) return stop(stream);
      streams.set(name, stream);
      delete trouble[name];
    } catch (error) {
      trouble[name] = error instanceof DeviceError ? error.trouble : "unsupported";
    }
  }

  async function camera(): Promise<void> {
    await take("camera", () => openCamera(choice.camera));
    picture?.put("camera", streams.get("camera"));
  }

  async function microphone(): Promise<void> {
    await take("microphone", () => openMicrophone(choice.microphone));
    heard.value = false;
    mixer?.put("microphone", streams.get("microphone"));
  }

  async function screen(): Promise<void> {
    await take("screen", openScreen);
    picture?.put("screen", streams.get("screen"));
    mixer?.put("screen", streams.get("screen"));
  }

  /** The person ended the sharing with the browser's own button, or a cable was pulled. */
  function lost(source: "camera" | "screen"): void {
    streams.delete(source);
    if (source === "camera") trouble.camera = "missing";
    else void show("camera");
  }

  async function show(kind: PictureKind): Promise<void> {
    if (kind !== "camera" && !streams.has("screen")) await screen();
    const shown = kind !== "camera" && !streams.has("screen") ? "camera" : kind;
    if (shown === "camera" && streams.has("screen")) {
      stop(streams.get("screen"));
      streams.delete("screen");
      picture?.put("screen", undefined);
      mixer?.put("screen", undefined);
    }
    choice.kind = shown;
    picture?.show(shown);
  }

  async function open(): Promise<void> {
    if (!secure() || !canvas.value) return;
    mixer ??= new Mixer();
    picture ??= new Picture(canvas.value, (ownUs, full) => {
      if (full) drawnAt = performance.now();
      drawn(ownUs);
    }, lost, i18n.global.t("live.soundOnly"));
    await camera();
    await microphone();
    devices.value = await listDevices().catch(() => devices.value);
  }

  const opened = { camera, microphone, screen };
  watch(() => choice.camera, () => void camera().then(remember));
  watch(() => choice.microphone, () => void microphone().then(remember));

  function remember(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify([choice.camera, choice.microphone]));
    } catch {
      // Without storage the choice lasts until reload.
    }
  }

  onScopeDispose(() => {
    over = true;
    window.clearInterval(timer);
    picture?.close();
    void mixer?.close();
    for (const stream of streams.values()) stop(stream);
  });

  return {
    devices, choice, trouble, level, heard, seen, secure: secure(),
    sound: () => mixer?.track, open, show, retry: (name) => opened[name](),
  };
}

function remembered(): { camera: string; microphone: string } {
  try {
    const [camera, microphone] = JSON.parse(localStorage.getItem(KEY) ?? "[]") as unknown[];
    return { camera: textOf(camera), microphone: textOf(microphone) };
  } catch {
    return { camera: "", microphone: "" };
  }
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
