/**
 * When a fragment begins: moof / traf / tfdt, nothing else of it. Pure.
 *
 * Spec: ISO/IEC 14496-12, 4.2 (boxes), 8.8.12 (tfdt).
 */

const MOST_BOXES = 64;
const HEADER = 8;

interface Box {
  from: number;
  to: number;
}

function find(view: DataView, within: Box, wanted: string): Box | undefined {
  let at = within.from;
  for (let seen = 0; seen < MOST_BOXES && at + HEADER <= within.to; seen += 1) {
    const size = view.getUint32(at);
    if (size < HEADER || at + size > within.to) return undefined;
    if (view.getUint32(at + 4) === codeOf(wanted)) return { from: at + HEADER, to: at + size };
    at += size;
  }
  return undefined;
}

function codeOf(name: string): number {
  return [...name].reduce((code, letter) => code * 256 + letter.charCodeAt(0), 0);
}

/** Ticks of its track; undefined when the bytes are no fragment. */
export function startOf(bytes: Uint8Array): number | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let box: Box | undefined = { from: 0, to: bytes.byteLength };
  for (const name of ["moof", "traf", "tfdt"]) {
    if (box) box = find(view, box, name);
  }
  if (!box || box.to - box.from < 8) return undefined;
  if (view.getUint8(box.from) === 0) return view.getUint32(box.from + 4);
  if (box.to - box.from < 12) return undefined;
  return Number(view.getBigUint64(box.from + 4));
}
