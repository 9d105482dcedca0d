/**
 * Raw frames of a track, one by one, also while the page is hidden (no timers are used). Where the
 * browser has no MediaStreamTrackProcessor there are none, and MediaRecorder has to do.
 */

interface Processor<T> {
  readonly readable: ReadableStream<T>;
}

type ProcessorKind = new <T>(options: { track: MediaStreamTrack; maxBufferSize?: number }) => Processor<T>;

const MOST_BUFFERED = 3;

function processorKind(): ProcessorKind | undefined {
  return (window as unknown as { MediaStreamTrackProcessor?: ProcessorKind }).MediaStreamTrackProcessor;
}

export function readsFrames(): boolean {
  return processorKind() !== undefined && "VideoEncoder" in window && "AudioEncoder" in window;
}

/** Reads until the track ends or `close`. `each` owns the frame and must close it. */
export class FrameReader<T extends VideoFrame | AudioData> {
  private readonly reader: ReadableStreamDefaultReader<T> | undefined;

  constructor(track: MediaStreamTrack, each: (frame: T) => void, ended: () => void) {
    const Kind = processorKind();
    if (!Kind) return;
    const buffer = track.kind === "video" ? { maxBufferSize: MOST_BUFFERED } : {};
    this.reader = new Kind<T>({ track, ...buffer }).readable.getReader();
    void this.run(this.reader, each, ended);
  }

  close(): void {
    void this.reader?.cancel().catch(() => undefined);
  }

  private async run(
    reader: ReadableStreamDefaultReader<T>,
    each: (frame: T) => void,
    ended: () => void,
  ): Promise<void> {
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) each(next.value);
    } finally {
      ended();
    }
  }
}
