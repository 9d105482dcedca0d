/** The whole screen and the small window of the browser, for one player. */
import { onBeforeUnmount, onMounted, ref, type Ref } from "vue";

type PhoneVideo = HTMLVideoElement & { webkitEnterFullscreen?: () => void };

export function useScreen(
  root: Ref<HTMLElement | undefined>,
  video: Ref<HTMLVideoElement | undefined>,
) {
  const full = ref(false);
  const pip = "pictureInPictureEnabled" in document && document.pictureInPictureEnabled;

  async function toggleFull(): Promise<void> {
    if (document.fullscreenElement) return document.exitFullscreen();
    if (root.value?.requestFullscreen) return root.value.requestFullscreen();
    (video.value as PhoneVideo | undefined)?.webkitEnterFullscreen?.();
  }

  async function togglePip(): Promise<void> {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await video.value?.requestPictureInPicture().catch(() => undefined);
  }

  function onFull(): void {
    full.value = root.value !== undefined && document.fullscreenElement === root.value;
  }

  onMounted(() => document.addEventListener("fullscreenchange", onFull));
  onBeforeUnmount(() => document.removeEventListener("fullscreenchange", onFull));
  return { full, pip, toggleFull, togglePip };
}
