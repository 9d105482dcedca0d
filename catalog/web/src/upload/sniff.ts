/**
 * What a file's first bytes say before any of it is sent: the rules of catalog/uploads/sniff.py,
 * with the same cases as tests (tests/corpus/uploads). Only what is surely no recording is named;
 * the server looks again, and properly. Pure.
 */

export type NoMedia = "document" | "archive" | "picture" | "program" | "text";

export const HEAD_BYTES = 4096;
const LEAST_TEXT_BYTES = 16;
const LONGEST_CUT_BYTES = 3;
const KNOWN: readonly (readonly [beginning: string, what: NoMedia])[] = [
  ["%PDF-", "document"],
  ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "document"],
  ["{\\rtf", "document"],
  ["PK\x03\x04", "archive"],
  ["Rar!\x1a\x07", "archive"],
  ["7z\xbc\xaf\x27\x1c", "archive"],
  ["\x1f\x8b\x08", "archive"],
  ["\x89PNG\r\n\x1a\n", "picture"],
  ["\xff\xd8\xff", "picture"],
  ["GIF8", "picture"],
  ["\x7fELF", "program"],
  ["MZ", "program"],
];
const TEXT_CONTROLS = new Set([...'\t\n\r\f\v\x1b\b'].map((character) => character.charCodeAt(0)));

/** Name what a file that begins so surely is; null for a recording and the unknown. */
export function noMedia(head: Uint8Array, whole: boolean): NoMedia | null {
  const known = KNOWN.find(([beginning]) => latin(head, 0, beginning.length) === beginning);
  if (known) return known[1];
  if (latin(head, 0, 4) === "RIFF" && latin(head, 8, 4) === "WEBP") return "picture";
  return isText(head, whole) ? "text" : null;
}

function latin(head: Uint8Array, from: number, count: number): string {
  return String.fromCharCode(...head.subarray(from, from + count));
}

function isText(head: Uint8Array, whole: boolean): boolean {
  if (head.length < LEAST_TEXT_BYTES && !whole) return false;
  const wide = { "\xff\xfe": "utf-16le", "\xfe\xff": "utf-16be" }[latin(head, 0, 2)];
  if (wide && head.length % 2 === 0) return reads(head, wide, whole);
  if (head.some((byte) => (byte < 32 && !TEXT_CONTROLS.has(byte)) || byte === 127)) return false;
  return reads(head, "utf-8", whole) || reads(head, "gb18030", whole);
}

/** Tell whether head is text; a character that the cut goes through does not count. */
function reads(head: Uint8Array, encoding: string, whole: boolean): boolean {
  const cuts = whole ? 0 : LONGEST_CUT_BYTES;
  for (let cut = 0; cut <= cuts; cut += 1) {
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(head.subarray(0, head.length - cut));
      // Browsers read a lone 0x80 as "€"; GB 18030 has no such character.
      return !(encoding === "gb18030" && text.includes("€") && head.includes(0x80));
    } catch {
      continue;
    }
  }
  return false;
}
