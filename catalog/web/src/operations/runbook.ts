/** A runbook's Markdown as blocks to show: headings, paragraphs, steps, commands. Pure; no HTML. */
export type Block =
  | { kind: "heading" | "text" | "code"; text: string }
  | { kind: "steps"; items: string[] };

/** Chinese stands first, English after the heading "What it means". */
export function inLanguage(markdown: string, english: boolean): string {
  const at = markdown.indexOf("## What it means");
  if (at < 0) return markdown;
  return english ? markdown.slice(at) : markdown.slice(0, at);
}

export function blocksOf(markdown: string): Block[] {
  const found: Block[] = [];
  for (const piece of markdown.split(/\n\s*\n/)) {
    const lines = piece.split("\n").filter((line) => line.trim() !== "");
    const first = lines[0];
    if (first === undefined || first.startsWith("# ")) continue;
    if (first.startsWith("#")) found.push({ kind: "heading", text: first.replace(/^#+\s*/, "") });
    else if (first.startsWith("    ")) {
      found.push({ kind: "code", text: lines.map((line) => line.slice(4)).join("\n") });
    } else if (/^\d+\. |^- /.test(first)) found.push({ kind: "steps", items: itemsOf(lines) });
    else found.push({ kind: "text", text: plain(lines.join(" ")) });
  }
  return found;
}

function itemsOf(lines: readonly string[]): string[] {
  const items: string[] = [];
  for (const line of lines) {
    if (/^\d+\. |^- /.test(line)) items.push(plain(line.replace(/^(\d+\.|-)\s+/, "")));
    else items[items.length - 1] += ` ${plain(line.trim())}`;
  }
  return items;
}

const plain = (text: string): string => text.replace(/[`*]/g, "");
