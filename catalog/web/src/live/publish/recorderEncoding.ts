/** The fallback: MediaRecorder writes WebM of the canvas and the sound, a slice each 100 ms. */
import { FPS, MOST_BPS, SOUND_BPS, type Encoding, type PublishSource, type Send } from "./encoding";
import { FRAME } from "./picture";

const RECORDED = ["video/webm;codecs=h264,opus", "video/webm;codecs=vp8,opus"];
const SLICE_MS = 100;
const MOST_BACKED_UP_BYTES = 2_000_000;

export function recordedType(): string | undefined {
  if (!("MediaRecorder" in window)) return undefined;
  return RECORDED.find((one) => MediaRecorder.isTypeSupported(one));
}

export class RecorderEncoding implements Encoding {
  private readonly recorder: MediaRecorder;
  private readonly stream: MediaStream;

  constructor(
    type: string,
    source: PublishSource,
    send: Send,
    private readonly backedUp: () => number,
  ) {
    this.stream = source.canvas.captureStream(FPS);
    if (source.sound) this.stream.addTrack(source.sound.clone());
    this.recorder = new MediaRecorder(this.stream, {
      mimeType: type, videoBitsPerSecond: MOST_BPS, audioBitsPerSecond: SOUND_BPS,
      videoKeyFrameIntervalDuration: 2000,
    } as MediaRecorderOptions);
    let sending = Promise.resolve();
    this.recorder.addEventListener("dataavailable", ({ data }) => {
      sending = sending.then(async () => send(await data.arrayBuffer()));
    });
  }

  hello(): Record<string, unknown> {
    const [picture, sound] = this.recorder.mimeType.split("codecs=")[1]?.split(",") ?? [];
    return {
      container: "webm",
      video: { codec: picture ?? "h264", ...FRAME, fps: FPS },
      audio: this.stream.getAudioTracks().length > 0
        ? { codec: sound ?? "opus", rate: 48_000, channels: 1 }
        : null,
    };
  }

  begin(): void {
    if (this.recorder.state === "inactive") this.recorder.start(SLICE_MS);
  }

  picture(): void {
    // The canvas' own stream brings them.
  }

  keyframe(): void {
    // Keyframes come by its own interval.
  }

  /** A line that cannot carry it: stop writing until it has, a WebM file may pause. */
  tick(): void {
    const full = this.backedUp() > MOST_BACKED_UP_BYTES;
    if (full && this.recorder.state === "recording") this.recorder.pause();
    else if (!full && this.recorder.state === "paused") this.recorder.resume();
  }

  close(): void {
    if (this.recorder.state !== "inactive") this.recorder.stop();
    for (const track of this.stream.getTracks()) track.stop();
  }
}
