/**
 * The field's fixed words as choices of a form. Values are those of catalog/words.py (a test there
 * compares them); labels come from the catalogue of the language.
 */
import type { Choice } from "@/api/types";
import zh from "./zh-CN.json";

export type WordKind = keyof typeof zh.vocabulary;

export function valuesOf(kind: WordKind): string[] {
  return Object.keys(zh.vocabulary[kind]);
}

/** Labels in Chinese, whatever the language of the page: file names are Chinese. */
export function chineseChoices(kind: WordKind): Choice[] {
  return Object.entries(zh.vocabulary[kind]).map(([value, label]) => ({ value, label }));
}
