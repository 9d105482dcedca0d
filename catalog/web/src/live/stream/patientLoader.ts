/**
 * Playlist requests that the origin holds until there is something new. hls.js gives one up after
 * 0.8 target durations and then only asks every half: when the main classroom is back after that,
 * the page would hear of it up to 3 s late.
 */
import type {
  HlsConfig,
  LoaderCallbacks,
  LoaderConfiguration,
  LoaderContext,
  PlaylistLoaderConstructor,
} from "hls.js";

/** The origin holds a request for at most three target durations of 6 s. */
export const HELD_MS = 20_000;
const BLOCKING = "_HLS_msn=";

/** hls.js's own loader, but with patience where the answer has to wait. */
export function patient(Usual: HlsConfig["loader"]): PlaylistLoaderConstructor {
  const Patient = class extends Usual {
    override load(
      context: LoaderContext,
      config: LoaderConfiguration,
      callbacks: LoaderCallbacks<LoaderContext>,
    ): void {
      super.load(context, context.url.includes(BLOCKING) ? patiently(config) : config, callbacks);
    }
  };
  return Patient as unknown as PlaylistLoaderConstructor;
}

function patiently(config: LoaderConfiguration): LoaderConfiguration {
  const held = { maxTimeToFirstByteMs: HELD_MS, maxLoadTimeMs: HELD_MS };
  return { ...config, timeout: HELD_MS, loadPolicy: { ...config.loadPolicy, ...held } };
}
