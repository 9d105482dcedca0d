/** What a publisher needs of a way to make bytes of the canvas and a sound track. */

export const FPS = 30;
export const MOST_BPS = 2_200_000;
export const SOUND_BPS = 64_000;

export interface PublishSource {
  canvas: HTMLCanvasElement;
  sound: MediaStreamTrack | undefined;
}

/** One way to make bytes of picture and sound. */
export interface Encoding {
  hello(): Record<string, unknown>;
  /** The server took the hello. */
  begin(): void;
  picture(ownUs: number): void;
  keyframe(): void;
  tick(): void;
  close(): void;
}

export type Send = (data: BufferSource) => void;
