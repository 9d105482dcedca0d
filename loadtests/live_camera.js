// Runs in the page before its own scripts: its camera is a canvas with the wall clock burnt in as
// live_stamps.py does it, its microphone a quiet tone. The product knows nothing of it.
(options) => {
  const { timeBits, checkBits, block, left, top, width, height, fps } = options;

  function codeOf(timeMs) {
    const value = timeMs % 2 ** timeBits;
    let check = 5;
    for (let place = 0; place < timeBits / 4; place += 1) {
      check += (2 * place + 1) * (Math.floor(value / 16 ** place) % 16);
    }
    return value * 2 ** checkBits + (check % 16);
  }

  function camera() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const paper = canvas.getContext("2d");
    const draw = () => {
      const at = performance.timeOrigin + performance.now();
      paper.fillStyle = `hsl(${(at / 50) % 360} 40% 50%)`;
      paper.fillRect(0, 0, width, height);
      const bits = codeOf(Math.floor(at)).toString(2).padStart(timeBits + checkBits, "0");
      [...bits].forEach((bit, place) => {
        paper.fillStyle = bit === "1" ? "white" : "black";
        paper.fillRect(left + place * block, top, block, block);
      });
    };
    draw();
    setInterval(draw, 1000 / fps);
    return canvas.captureStream(fps);
  }

  function microphone() {
    const context = new AudioContext();
    const tone = new OscillatorNode(context, { frequency: 220 });
    const quiet = new GainNode(context, { gain: 0.1 });
    const out = context.createMediaStreamDestination();
    tone.connect(quiet).connect(out);
    tone.start();
    return out.stream;
  }

  navigator.mediaDevices.getUserMedia = async ({ video, audio }) =>
    new MediaStream([
      ...(video ? camera().getTracks() : []),
      ...(audio ? microphone().getTracks() : []),
    ]);
}
