/** Pictures and sound by WebCodecs: H.264 in Annex B and raw Opus packets, one message a frame. */
import { Cadence } from "./cadence";
import { FPS, MOST_BPS, SOUND_BPS, type Encoding, type PublishSource, type Send } from "./encoding";
import { FrameReader, readsFrames } from "./frames";
import { framed, HEADER_BYTES } from "./framing";
import { FRAME } from "./picture";
import { SoundClock, Timebase } from "./timebase";

const CODECS = ["avc1.42e01f", "avc1.4d401f", "avc1.42001f"];

/** A codec string that this browser encodes; undefined where it has no encoder. */
export async function supportedCodec(): Promise<string | undefined> {
  if (!readsFrames()) return undefined;
  for (const codec of CODECS) {
    const found = await VideoEncoder.isConfigSupported(pictureConfig(codec, MOST_BPS)).catch(() => undefined);
    if (found?.supported) return codec;
  }
  return undefined;
}

function pictureConfig(codec: string, bitrate: number): VideoEncoderConfig {
  return {
    codec, bitrate, ...FRAME, framerate: FPS, latencyMode: "realtime", bitrateMode: "variable",
    avc: { format: "annexb" },
  };
}

export class CodecEncoding implements Encoding {
  private readonly cadence = new Cadence(MOST_BPS, FPS);
  private readonly pictureTimes = new Timebase();
  private readonly soundTimes = new Timebase();
  private readonly soundClock = new SoundClock();
  private readonly pictures: VideoEncoder;
  private readonly sounds: AudioEncoder;
  private readonly reader: FrameReader<AudioData> | undefined;
  private readonly channels: number;
  private live = false;

  constructor(
    private readonly codec: string,
    private readonly source: PublishSource,
    private readonly send: Send,
    private readonly backedUp: () => number,
    failed: () => void,
  ) {
    const { sound } = source;
    this.channels = Math.min(2, sound?.getSettings().channelCount ?? 1);
    this.pictures = new VideoEncoder({ output: (chunk) => this.put(chunk.type, chunk), error: failed });
    this.sounds = new AudioEncoder({ output: (chunk) => this.put("sound", chunk), error: failed });
    this.pictures.configure(pictureConfig(codec, this.cadence.rateBps));
    this.reader = sound && new FrameReader(sound, (data) => this.heard(data), () => undefined);
  }

  hello(): Record<string, unknown> {
    const audio = { codec: "opus", rate: 48_000, channels: this.channels };
    return {
      container: "webcodecs",
      video: { codec: this.codec, ...FRAME, fps: FPS },
      audio: this.source.sound ? audio : null,
    };
  }

  begin(): void {
    this.live = true;
    this.cadence.wantKeyframe();
  }

  keyframe(): void {
    this.cadence.wantKeyframe();
  }

  picture(ownUs: number): void {
    if (!this.live || this.pictures.state !== "configured") return;
    const now = performance.now();
    const how = this.cadence.picture(now, this.pictures.encodeQueueSize, this.backedUp());
    const timestamp = this.pictureTimes.place(ownUs, now * 1000);
    if (how === "skip") return;
    const frame = new VideoFrame(this.source.canvas, { timestamp });
    this.pictures.encode(frame, { keyFrame: how === "key" });
    frame.close();
  }

  tick(): void {
    if (!this.live || !this.cadence.adapt(performance.now(), this.backedUp())) return;
    this.pictures.configure(pictureConfig(this.codec, this.cadence.rateBps));
  }

  close(): void {
    this.live = false;
    this.reader?.close();
    if (this.pictures.state !== "closed") this.pictures.close();
    if (this.sounds.state !== "closed") this.sounds.close();
  }

  private heard(data: AudioData): void {
    if (this.live && this.sounds.state !== "closed") this.encodeSound(data);
    data.close();
  }

  private encodeSound(data: AudioData): void {
    if (this.sounds.state === "unconfigured") this.configureSound(data);
    const arrived = performance.now() * 1000 - data.duration;
    const placed = this.soundTimes.place(data.timestamp, arrived);
    const moved = withTime(data, this.soundClock.input(placed, data.duration));
    this.sounds.encode(moved);
    moved.close();
  }

  private configureSound(data: AudioData): void {
    this.sounds.configure({
      codec: "opus", sampleRate: data.sampleRate, numberOfChannels: data.numberOfChannels,
      bitrate: SOUND_BPS,
    });
  }

  private put(kind: "key" | "delta" | "sound", chunk: EncodedVideoChunk | EncodedAudioChunk): void {
    if (!this.live) return;
    const isSound = kind === "sound";
    const at = isSound ? this.soundClock.output(chunk.timestamp) : chunk.timestamp;
    const whole = framed(kind, at, chunk.byteLength);
    if (!whole) return;
    chunk.copyTo(whole.subarray(HEADER_BYTES));
    this.send(whole as BufferSource);
  }
}

function withTime(data: AudioData, timestamp: number): AudioData {
  const { sampleRate, numberOfFrames, numberOfChannels } = data;
  const bytes = new Float32Array(numberOfFrames * numberOfChannels);
  for (let plane = 0; plane < numberOfChannels; plane += 1) {
    const place = bytes.subarray(plane * numberOfFrames, (plane + 1) * numberOfFrames);
    data.copyTo(place, { planeIndex: plane, format: "f32-planar" });
  }
  return new AudioData({
    format: "f32-planar", sampleRate, numberOfFrames, numberOfChannels, timestamp, data: bytes,
  });
}
