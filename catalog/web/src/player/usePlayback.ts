/** What the <video> does, as reactive values, and what can be asked of it. */
import { onBeforeUnmount, reactive, watch, type Ref } from "vue";
import { bufferedEnd, clamp, nextSpeed } from "./seek";

const VOLUME_KEY = "tongbu.volume";

export interface Playback {
  time: number;
  media: number;
  buffered: number;
  paused: boolean;
  waiting: boolean;
  ended: boolean;
  started: boolean;
  volume: number;
  muted: boolean;
  rate: number;
}

export function usePlayback(video: Ref<HTMLVideoElement | undefined>) {
  const state = reactive<Playback>({
    time: 0,
    media: 0,
    buffered: 0,
    paused: true,
    waiting: false,
    ended: false,
    started: false,
    volume: 1,
    muted: false,
    rate: 1,
  });
  const control = new AbortController();

  function read(): void {
    const element = video.value;
    if (!element) return;
    state.time = element.currentTime;
    state.media = Number.isFinite(element.duration) ? element.duration : 0;
    state.paused = element.paused;
    state.ended = element.ended;
    state.volume = element.volume;
    state.muted = element.muted || element.volume === 0;
    state.rate = element.playbackRate;
    const ranges = Array.from({ length: element.buffered.length }, (_, index) => ({
      start: element.buffered.start(index),
      end: element.buffered.end(index),
    }));
    state.buffered = bufferedEnd(ranges, element.currentTime);
  }

  watch(
    video,
    (element) => {
      if (!element) return;
      const { signal } = control;
      const events = ["timeupdate", "durationchange", "progress", "play", "pause", "ended",
        "volumechange", "ratechange", "seeked", "seeking", "emptied"];
      for (const name of events) element.addEventListener(name, read, { signal });
      element.addEventListener("waiting", () => (state.waiting = true), { signal });
      element.addEventListener("playing", onPlaying, { signal });
      element.addEventListener("seeked", () => (state.waiting = false), { signal });
      element.addEventListener("volumechange", keepVolume, { signal });
      element.volume = savedVolume();
      read();
    },
    { flush: "post" },
  );

  function onPlaying(): void {
    state.waiting = false;
    state.started = true;
    read();
  }

  function keepVolume(): void {
    try {
      localStorage.setItem(VOLUME_KEY, String(video.value?.volume ?? 1));
    } catch {
      // Volume is then not remembered.
    }
  }

  async function play(): Promise<void> {
    try {
      await video.value?.play();
    } catch {
      // The browser wants a click first: the big play button is there for it.
      read();
    }
  }

  function toggle(): void {
    if (video.value?.paused) void play();
    else video.value?.pause();
  }

  function seek(time: number): void {
    if (video.value) video.value.currentTime = time;
    state.time = time;
  }

  function setVolume(volume: number): void {
    if (!video.value) return;
    video.value.volume = clamp(volume, 0, 1);
    video.value.muted = false;
  }

  function mute(): void {
    if (video.value) video.value.muted = !video.value.muted;
  }

  function setRate(rate: number): void {
    if (!video.value) return;
    video.value.defaultPlaybackRate = rate;
    video.value.playbackRate = rate;
  }

  const stepRate = (step: 1 | -1) => setRate(nextSpeed(state.rate, step));
  onBeforeUnmount(() => control.abort());
  return { state, play, toggle, seek, setVolume, mute, setRate, stepRate };
}

function savedVolume(): number {
  try {
    const saved = Number(localStorage.getItem(VOLUME_KEY) ?? "1");
    return saved > 0 && saved <= 1 ? saved : 1;
  } catch {
    return 1;
  }
}
