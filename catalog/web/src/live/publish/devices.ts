/** Cameras, microphones and screens of this machine, and in plain kinds why one cannot be had. */

export type DeviceTrouble = "insecure" | "denied" | "missing" | "busy" | "unsupported";
export type PictureKind = "camera" | "screen" | "both";

export class DeviceError extends Error {
  constructor(readonly trouble: DeviceTrouble) {
    super(trouble);
  }
}

export interface Choice {
  id: string;
  label: string;
}

export interface Devices {
  cameras: Choice[];
  microphones: Choice[];
}

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Devices are given to pages of https or this very machine only. */
export function secure(): boolean {
  return window.isSecureContext && "mediaDevices" in navigator;
}

export async function listDevices(): Promise<Devices> {
  if (!secure()) throw new DeviceError("insecure");
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind) =>
    all
      .filter((one) => one.kind === kind && one.deviceId !== "")
      .map((one) => ({ id: one.deviceId, label: one.label }));
  return { cameras: of("videoinput"), microphones: of("audioinput") };
}

export function openCamera(id: string): Promise<MediaStream> {
  return open(() =>
    navigator.mediaDevices.getUserMedia({ video: { ...PICTURE, ...chosen(id) } }),
  );
}

export function openMicrophone(id: string): Promise<MediaStream> {
  return open(() => navigator.mediaDevices.getUserMedia({ audio: { ...SOUND, ...chosen(id) } }));
}

/** The browser asks which screen or window; its own sound is taken along where it can be. */
export function openScreen(): Promise<MediaStream> {
  return open(() =>
    navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15, max: 30 } }, audio: true }),
  );
}

export function stop(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

function chosen(id: string): MediaTrackConstraints {
  return id ? { deviceId: { exact: id } } : {};
}

async function open(ask: () => Promise<MediaStream>): Promise<MediaStream> {
  if (!secure()) throw new DeviceError("insecure");
  try {
    return await ask();
  } catch (error) {
    throw new DeviceError(troubleOf(error));
  }
}

function troubleOf(error: unknown): DeviceTrouble {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "denied";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "missing";
  return name === "NotReadableError" || name === "AbortError" ? "busy" : "unsupported";
}
