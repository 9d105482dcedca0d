/** Where screen and camera lie in the published picture. Pure; pixels. */

export interface Size {
  width: number;
  height: number;
}

export interface Place extends Size {
  x: number;
  y: number;
}

export const SMALL_SHARE = 0.24;
export const EDGE_SHARE = 0.02;

/** As large as fits into the frame, whole, in the middle. */
export function fitted(content: Size, frame: Size): Place {
  if (content.width <= 0 || content.height <= 0) return { x: 0, y: 0, ...frame };
  const scale = Math.min(frame.width / content.width, frame.height / content.height);
  const width = Math.round(content.width * scale);
  const height = Math.round(content.height * scale);
  return {
    x: Math.round((frame.width - width) / 2), y: Math.round((frame.height - height) / 2), width, height,
  };
}

/** The camera over the screen: lower right corner, a quarter of the width. */
export function corner(camera: Size, frame: Size): Place {
  const width = Math.round(frame.width * SMALL_SHARE);
  const height = Math.round((width * (camera.height || 9)) / (camera.width || 16));
  const edge = Math.round(frame.width * EDGE_SHARE);
  return { x: frame.width - width - edge, y: frame.height - height - edge, width, height };
}

/** Encoders of H.264 want even sizes. */
export function even({ width, height }: Size): Size {
  return { width: Math.max(2, width & ~1), height: Math.max(2, height & ~1) };
}

/** Level of sound from -60 dB to 0 as 0..1, for a meter; samples are -1..1. */
export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const rms = Math.sqrt(sum / Math.max(1, samples.length));
  if (rms <= 0.001) return 0;
  return Math.min(1, 1 + (20 * Math.log10(rms)) / 60);
}
