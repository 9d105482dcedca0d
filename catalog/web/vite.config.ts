import { fileURLToPath, URL } from "node:url";
import vue from "@vitejs/plugin-vue";
import { baseCompile } from "@intlify/message-compiler";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import hlsPackage from "./node_modules/hls.js/package.json" with { type: "json" };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/**
 * Messages with places or plurals become their syntax trees at build time; plain ones stay text.
 * The pages then need no message compiler (5 kB).
 */
function compiledMessages(): Plugin {
  const compile = (value: unknown): unknown => {
    if (typeof value === "string") {
      return /[{|@]/.test(value)
        ? baseCompile(value, { jit: true, location: false, minify: true }).ast
        : value;
    }
    const entries = Object.entries(value as Record<string, unknown>);
    return Object.fromEntries(entries.map(([key, inner]) => [key, compile(inner)]));
  };
  return {
    name: "compiled-messages",
    enforce: "pre",
    transform(code, id) {
      if (!/src\/i18n\/[^/]+\.json$/.test(id)) return null;
      return { code: JSON.stringify(compile(JSON.parse(code))), map: null };
    },
  };
}

// hls.js is built from its own source without what a lesson never has (DRM, advertisements, CMCD,
// its own captions, MPEG-TS extras): about a third smaller on the wire than its full bundle.
const hlsFlags = {
  __USE_ALT_AUDIO__: true,
  __USE_MEDIA_CAPABILITIES__: true,
  __USE_SUBTITLES__: false,
  __USE_EME_DRM__: false,
  __USE_CMCD__: false,
  __USE_CONTENT_STEERING__: false,
  __USE_IFRAMES__: false,
  __USE_INTERSTITIALS__: false,
  __USE_M2TS_ADVANCED_CODECS__: false,
  __USE_VARIABLE_SUBSTITUTION__: false,
  __IN_WORKER__: false,
  __HLS_WORKER_BUNDLE__: "undefined",
  __VERSION__: JSON.stringify(hlsPackage.version),
};

// What every page needs stands in two files: each further page would split it into smaller ones,
// which compress worse.
const FIRST = [
  { name: "vue", test: /node_modules\/(@vue|vue|vue-router|vue-i18n|@intlify)\// },
  {
    name: "frame",
    test: /src\/(i18n\/(index|zh-CN|vocabulary)|api\/(client|session|lessons)|ui\/(AppIcon|icons|toast|load|format|words|useWords|StatePane|theme|paging|useMenu))\b/,
  },
];

// Flags leave out what the pages do not use: the options API, devtools, the old i18n API.
export default defineConfig({
  plugins: [compiledMessages(), vue()],
  resolve: {
    alias: [
      { find: /^@\//, replacement: here("./src/") },
      { find: /^hls\.js$/, replacement: here("./node_modules/hls.js/src/hls.ts") },
      { find: "@svta/cml-cmcd", replacement: here("./node_modules/hls.js/src/empty.js") },
    ],
  },
  define: {
    ...hlsFlags,
    __VUE_OPTIONS_API__: false,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    __INTLIFY_DROP_MESSAGE_COMPILER__: true,
  },
  build: {
    target: "es2022",
    manifest: "manifest.json",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: { output: { codeSplitting: { groups: FIRST } } },
  },
  server: {
    proxy: Object.fromEntries(
      ["/api", "/media", "/live"].map((path) => [
        path,
        { target: process.env.TONGBU_ORIGIN ?? "http://127.0.0.1:8080", ws: path === "/live" },
      ]),
    ),
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node", testTimeout: 30_000 },
});
