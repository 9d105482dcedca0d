/** Files out of a drop or a choice, folders opened, with what is surely no video left out. */

const VIDEO =
  /\.(mp4|m4v|mov|mkv|webm|avi|wmv|asf|flv|mpg|mpeg|mpe|ts|mts|m2ts|vob|3gp|ogv|f4v|rm|rmvb|mxf|mp3|m4a|wav|aac|flac|ogg|opus)$/i;
const MOST_FILES = 500;
const DEEPEST = 8;

export function looksPlayable(file: { name: string; type: string }): boolean {
  return VIDEO.test(file.name) || /^(video|audio)\//.test(file.type);
}

export async function filesOf(transfer: DataTransfer): Promise<File[]> {
  const entries = [...transfer.items]
    .map((item) => item.webkitGetAsEntry())
    .filter((entry) => entry !== null);
  if (entries.length === 0) return [...transfer.files];
  const found: File[] = [];
  for (const entry of entries) await collect(entry, found, 0);
  return found;
}

async function collect(entry: FileSystemEntry, found: File[], depth: number): Promise<void> {
  if (found.length >= MOST_FILES || depth > DEEPEST || entry.name.startsWith(".")) return;
  if (entry.isFile) {
    const file = await new Promise<File | null>((resolve) => {
      (entry as FileSystemFileEntry).file(resolve, () => resolve(null));
    });
    if (file) found.push(file);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (let some = await batch(reader); some.length > 0; some = await batch(reader)) {
    for (const inner of some) await collect(inner, found, depth + 1);
  }
}

function batch(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
}
