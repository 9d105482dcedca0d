// One upload by tus-js-client, as pages do it: node client.mjs URL PERSON FILE SCENARIO
// Prints one line of JSON: {lesson, requests, url}.
import { readFile } from "node:fs/promises";
import { Upload } from "tus-js-client";

const [endpoint, person, path, scenario] = process.argv.slice(2);
const content = await readFile(path);
const seen = { lesson: "", requests: 0, url: "" };

const usual = {
  endpoint,
  headers: { "X-Test-Person": person },
  metadata: { filename: "分数的意义.mp4", subject: "数学" },
  retryDelays: [0, 100, 500],
  onAfterResponse: (_request, response) => {
    seen.requests += 1;
    seen.lesson = response.getHeader("Tongbu-Lesson") ?? seen.lesson;
  },
};

const options = {
  plain: {},
  chunks: { chunkSize: 1024 * 1024 },
  during: { uploadDataDuringCreation: true, chunkSize: 2 * 1024 * 1024 },
  deferred: { uploadLengthDeferred: true, chunkSize: 1024 * 1024 },
  parallel: { parallelUploads: 4 },
  override: { overridePatchMethod: true, chunkSize: 3 * 1024 * 1024 },
  resume: { chunkSize: 512 * 1024 },
  terminate: { chunkSize: 512 * 1024 },
}[scenario];

/** Run an upload; stop it after `stopAt` bytes were taken, when given. */
function run(more, stopAt = Infinity, terminate = false) {
  return new Promise((resolve, reject) => {
    const upload = new Upload(content, {
      ...usual,
      ...options,
      ...more,
      onError: reject,
      onSuccess: () => resolve(upload),
      onChunkComplete: (_size, taken) => {
        if (taken >= stopAt) upload.abort(terminate).then(() => resolve(upload), reject);
      },
    });
    upload.start();
  });
}

if (scenario === "resume") {
  const half = await run({}, content.length / 2);
  const whole = await run({ uploadUrl: half.url });
  seen.url = whole.url;
} else if (scenario === "terminate") {
  seen.url = (await run({}, content.length / 2, true)).url;
} else {
  seen.url = (await run({})).url;
}
console.log(JSON.stringify(seen));
