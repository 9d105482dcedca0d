/** Schools by what is typed: words of the name or district, or the first letters of its pinyin. Pure. */

/** Rows of which each typed word is in one of the texts; all of them while nothing is typed. */
export function matching<Row>(
  rows: readonly Row[],
  typed: string,
  textsOf: (row: Row) => readonly string[],
): Row[] {
  const words = typed.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (!words.length) return [...rows];
  return rows.filter((row) => {
    const texts = textsOf(row).map((text) => text.toLowerCase());
    return words.every((word) => texts.some((text) => text.includes(word) || initialsOf(text).includes(word)));
  });
}

/** The first character of each letter in the order of pinyin; no syllable begins with i, u or v. */
const FIRSTS = "阿八嚓哒妸发旮哈讥咔垃妈拏噢妑七呥扨它穵夕丫帀";
const LETTERS = "abcdefghjklmnopqrstwxyz";
const BY_PINYIN = new Intl.Collator("zh-CN-u-co-pinyin");
const kept = new Map<string, string>();

/** `莱西市` is `lxs`. A character that is read in two ways has the commoner one. */
export function initialsOf(text: string): string {
  const before = kept.get(text);
  if (before !== undefined) return before;
  const letters = [...text].map(letterOf).join("");
  kept.set(text, letters);
  return letters;
}

function letterOf(character: string): string {
  if (!/\p{Script=Han}/u.test(character)) return character;
  let at = -1;
  for (const first of FIRSTS) {
    if (BY_PINYIN.compare(first, character) > 0) break;
    at += 1;
  }
  return LETTERS[at] ?? "";
}
