/** Microphone and the sound of a shared screen as one track, and how loud it is. */
import { loudness } from "./layout";

const WINDOW = 1024;

export class Mixer {
  private readonly context = new AudioContext({ sampleRate: 48_000 });
  private readonly out = this.context.createMediaStreamDestination();
  private readonly meter = this.context.createAnalyser();
  private readonly samples = new Float32Array(WINDOW);
  private readonly inputs = new Map<string, MediaStreamAudioSourceNode>();

  constructor() {
    this.meter.fftSize = WINDOW;
  }

  /** Put a stream's sound in the place of what had this name; nothing when it has none. */
  put(name: "microphone" | "screen", stream: MediaStream | undefined): void {
    this.inputs.get(name)?.disconnect();
    this.inputs.delete(name);
    if (!stream || stream.getAudioTracks().length === 0) return;
    const input = this.context.createMediaStreamSource(stream);
    input.connect(this.out);
    if (name === "microphone") input.connect(this.meter);
    this.inputs.set(name, input);
    void this.context.resume();
  }

  get track(): MediaStreamTrack | undefined {
    return this.out.stream.getAudioTracks()[0];
  }

  /** Level of the microphone now, 0..1. */
  level(): number {
    this.meter.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }

  async close(): Promise<void> {
    for (const input of this.inputs.values()) input.disconnect();
    await this.context.close();
  }
}
