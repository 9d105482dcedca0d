// What a page loads before it works, gzipped, against its budget; exit 1 when one is over.
// "Before it works" is everything the entry imports, and the page's chunk with what that imports.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const BUDGETS = [
  { page: "library", limitKb: 80, entries: ["index.html"] },
  {
    page: "lesson with hls.js",
    limitKb: 250,
    entries: ["index.html", "src/pages/LessonPage.vue", "hls"],
  },
  ...["Timetable", "Studio", "Classroom", "GuestLive"].map((name) => ({
    page: `live: ${name}`,
    limitKb: 250,
    entries: ["index.html", `src/pages/${name}Page.vue`, ...(name === "Timetable" ? [] : ["hls"])],
  })),
  { page: "operations before a chart", limitKb: 110, entries: ["index.html", "src/pages/OperationsPage.vue"] },
  { page: "box in a school", limitKb: 100, entries: ["index.html", "src/pages/EdgeStatusPage.vue"] },
];
const manifest = JSON.parse(readFileSync("dist/manifest.json", "utf8"));

function keyOf(entry) {
  const key = manifest[entry]
    ? entry
    : Object.keys(manifest).find((name) => manifest[name].name === entry);
  if (!key) throw new Error(`the build has no chunk for ${entry}`);
  return key;
}

function collect(key, files) {
  const chunk = manifest[key];
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const other of chunk.imports ?? []) if (!files.has(manifest[other].file)) collect(other, files);
  return files;
}

let over = false;
for (const { page, limitKb, entries } of BUDGETS) {
  const files = new Set(["index.html"]);
  for (const entry of entries) collect(keyOf(entry), files);
  const sizes = [...files].map((file) => gzipSync(readFileSync(join("dist", file)), { level: 9 }).length);
  const kb = sizes.reduce((sum, size) => sum + size, 0) / 1000;
  over ||= kb > limitKb;
  console.log(`${page}: ${kb.toFixed(1)} kB gzip of ${limitKb} kB in ${files.size} files`);
}
const early = [...collect("index.html", new Set())].filter((file) => /hls|admin|Edge|edge|Admin|live|Live|Studio|Classroom|Timetable|perations|chart/.test(file));
if (early.length) {
  console.log(`loaded too early: ${early.join(", ")}`);
  over = true;
}
process.exit(over ? 1 : 0);
