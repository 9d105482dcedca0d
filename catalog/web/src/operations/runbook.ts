/** A runbook's Markdown as blocks to show: headings, paragraphs, steps, commands. Pure; no HTML. */
export interface Piece {
  /** `book`: the name of another runbook; `page`: the path of a page. */
  kind: "text" | "code" | "book" | "page";
  text: string;
}

export type Block =
  | { kind: "heading" | "code"; text: string }
  | { kind: "text"; pieces: Piece[] }
  | { kind: "steps"; items: Piece[][] };

/** Chinese stands first, English after the heading "What it means". */
export function inLanguage(markdown: string, english: boolean): string {
  const at = markdown.indexOf("## What it means");
  if (at < 0) return markdown;
  return english ? markdown.slice(at) : markdown.slice(0, at);
}

/** `names`: the runbooks that there are, to which their names in the text lead. */
export function blocksOf(markdown: string, names: Iterable<string> = []): Block[] {
  const found: Block[] = [];
  const known = new Set(names);
  for (const piece of markdown.split(/\n\s*\n/)) {
    const lines = piece.split("\n").filter((line) => line.trim() !== "");
    const first = lines[0];
    if (first === undefined || first.startsWith("# ")) continue;
    if (first.startsWith("#")) found.push({ kind: "heading", text: first.replace(/^#+\s*/, "") });
    else if (first.startsWith("    ")) {
      found.push({ kind: "code", text: lines.map((line) => line.slice(4)).join("\n") });
    } else if (/^\d+\. |^- /.test(first)) {
      found.push({ kind: "steps", items: itemsOf(lines).map((item) => piecesOf(item, known)) });
    } else found.push({ kind: "text", pieces: piecesOf(lines.join(" "), known) });
  }
  return found;
}

function itemsOf(lines: readonly string[]): string[] {
  const items: string[] = [];
  for (const line of lines) {
    if (/^\d+\. |^- /.test(line)) items.push(line.replace(/^(\d+\.|-)\s+/, ""));
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return items;
}

/** What stands between backticks is as it is written, asterisks too. */
function piecesOf(text: string, known: ReadonlySet<string>): Piece[] {
  return text.split(/`([^`]*)`/).flatMap((part, index) =>
    index % 2 ? [{ kind: isPage(part) ? "page" as const : "code" as const, text: part }] : wordsOf(part, known),
  ).filter((piece) => piece.text !== "");
}

/** A path with nothing left to be put in. */
const isPage = (text: string): boolean =>
  /^\/(studio|watch|operations)(\/[a-z0-9-]+)*$/.test(text);

/** Whom a runbook is opened about, as far as that is known: a school's and a lesson's id. */
export interface About {
  school?: string | undefined;
  session?: string | undefined;
}

/** Put the ids into the addresses of pages that want them. */
export function addressed(markdown: string, { school, session }: About): string {
  const lessons = session
    ? markdown.replaceAll(/\/(studio|watch)\/(课堂编号|ID)/g, `/$1/${session}`)
    : markdown;
  return school
    ? lessons.replaceAll(/\/operations\/schools\/(编号|ID)/g, `/operations/schools/${school}`)
    : lessons;
}

function wordsOf(text: string, known: ReadonlySet<string>): Piece[] {
  const plain = text.replace(/\*\*([^*]+)\*\*/g, "$1");
  const found: Piece[] = [];
  for (const part of plain.split(/\b([A-Z][A-Za-z]{2,40})\b/)) {
    const last = found.at(-1);
    if (known.has(part)) found.push({ kind: "book", text: part });
    else if (last?.kind === "text") last.text += part;
    else found.push({ kind: "text", text: part });
  }
  return found;
}

/** Where the origin answers when asked on its own machine: how `tongbu serve` listens by itself. */
export const ON_THE_SERVER = "http://127.0.0.1:8080";
/** What takes the place of a box's address that nobody here knows. */
export const SOME_BOX = "http://192.168.1.20:8080";

/** A box's own address in its school, from the names that its certificate has. */
export function boxUrlOf(boxes: readonly { names: readonly string[] }[]): string {
  const names = boxes.flatMap((box) => box.names);
  const name = names.find((one) => /^\d+\.\d+\.\d+\.\d+$/.test(one)) ?? names[0];
  return name ? `http://${name}:8080` : "";
}

export interface Address {
  name: "ORIGIN" | "BOX";
  line: string;
  /** The place to run it at, or what is to be put in. */
  note: "server" | "here" | "box" | "unknown";
}

/** As `$NAME`, or with what it is when nothing is said: `${NAME:-…}`. */
export function asksFor(name: Address["name"], markdown: string): boolean {
  return new RegExp(`\\$\\{?${name}\\b`).test(markdown);
}

/**
 * The shell lines that give a runbook's commands their addresses. `page`: the address of this page;
 * over HTTPS the front door stands there, which lets nobody at the figures: those are asked for on
 * the server itself.
 */
export function addressesOf(markdown: string, page: string, box = ""): Address[] {
  const found: Address[] = [];
  if (asksFor("ORIGIN", markdown)) {
    const here = page.startsWith("http://");
    found.push({
      name: "ORIGIN", line: `export ORIGIN=${here ? page : ON_THE_SERVER}`, note: here ? "here" : "server",
    });
  }
  if (asksFor("BOX", markdown)) {
    found.push({ name: "BOX", line: `export BOX=${box || SOME_BOX}`, note: box ? "box" : "unknown" });
  }
  return found;
}
