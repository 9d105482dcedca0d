/** Every word goes through the catalogues, and both say the same things. */
import { readdirSync, readFileSync } from "node:fs";
import { parse as parseSfc } from "vue/compiler-sfc";
import { describe, expect, it } from "vitest";
import en from "@/i18n/en.json";
import edgeZh from "@/i18n/edge.zh-CN.json";
import liveZh from "@/i18n/live.zh-CN.json";
import operationsZh from "@/i18n/operations.zh-CN.json";
import playerZh from "@/i18n/player.zh-CN.json";
import zh from "@/i18n/zh-CN.json";

type Tree = { [key: string]: string | Tree };

interface Node {
  type: number;
  content?: string | Node;
  name?: string;
  value?: { content: string };
  props?: Node[];
  children?: Node[];
  loc: { start: { line: number } };
}

const ELEMENT_ATTRIBUTES = new Set(["title", "alt", "placeholder", "aria-label"]);
const TEXT = 2;
const ATTRIBUTE = 6;
const WORDS = /[\p{L}]{2,}|[\u4e00-\u9fff]/u;

function flat(tree: Tree, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value === "string") found.set(prefix + name, value);
    else for (const [inner, text] of flat(value, `${prefix}${name}.`)) found.set(inner, text);
  }
  return found;
}

function files(suffix: string): string[] {
  return readdirSync("src", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(suffix))
    .map((name) => `src/${name}`);
}

/** The catalogue of every page and those that are loaded with the pages that need them. */
function source(suffix: string): Tree {
  const read = (name: string) => JSON.parse(readFileSync(`src/i18n/${name}.json`, "utf8")) as Tree;
  const parts = ["live", "edge", "operations", "player"].map((name) => read(`${name}.${suffix}`));
  return Object.assign({}, read(suffix), ...parts) as Tree;
}

const chinese = flat(source("zh-CN"));
const english = flat(source("en"));
const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();

function rawTexts(node: Node): string[] {
  const found: string[] = [];
  if (node.type === TEXT && WORDS.test(String(node.content))) found.push(String(node.content));
  for (const prop of node.props ?? []) {
    const shown = prop.type === ATTRIBUTE && ELEMENT_ATTRIBUTES.has(prop.name ?? "");
    if (shown && WORDS.test(prop.value?.content ?? "")) found.push(prop.value?.content ?? "");
  }
  return [...found, ...(node.children ?? []).flatMap(rawTexts)];
}

describe("the catalogues", () => {
  it("have the same keys in both languages", () => {
    expect([...english.keys()].sort()).toEqual([...chinese.keys()].sort());
    expect(Object.keys(en)).toEqual(Object.keys(zh));
    const names = [zh, liveZh, edgeZh, operationsZh, playerZh].flatMap((one) => Object.keys(one));
    expect(names.length).toBe(new Set(names).size);
  });

  it("have the same places in each text, and no empty one", () => {
    for (const [key, text] of chinese) {
      expect(new Set(places(english.get(key) ?? "")), key).toEqual(new Set(places(text)));
      expect(text.length * (english.get(key) ?? "").length, key).toBeGreaterThan(0);
    }
  });

  it("leave no English in the Chinese one but names, and no Chinese in the English one", () => {
    for (const [key, text] of english) {
      if (key.startsWith("language.")) continue;
      expect(text, key).not.toMatch(/[\u4e00-\u9fff]/);
    }
  });

  it("know every key that the sources name", () => {
    const used = /(?:\bt|words\.t|global\.t)\(\s*"([a-zA-Z.]+)"|title: "(nav\.[a-z]+)"/g;
    for (const path of [...files(".vue"), ...files(".ts")]) {
      for (const found of readFileSync(path, "utf8").matchAll(used)) {
        const name = found[1] ?? found[2] ?? "";
        expect(chinese.has(name), `${path}: ${name}`).toBe(true);
      }
    }
  });
});

describe("the templates", () => {
  it.each(files(".vue"))("%s has no raw text", (path) => {
    const { descriptor } = parseSfc(readFileSync(path, "utf8"));
    const root = descriptor.template?.ast as unknown as Node | undefined;
    expect(root ? rawTexts(root) : []).toEqual([]);
  });

  it("have no inline style, which the content security policy forbids", () => {
    for (const path of files(".vue")) {
      expect(readFileSync(path, "utf8"), path).not.toMatch(/\sstyle="/);
    }
  });
});
