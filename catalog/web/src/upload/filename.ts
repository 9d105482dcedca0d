/**
 * What a file's name says about the lesson: "三年级数学《分数的初步认识》王老师.mp4" gives grade,
 * subject, title and teacher. Guesses only: the teacher sees and corrects them. No DOM.
 */

export interface Guess {
  title: string;
  stage?: string;
  grade?: string;
  subject?: string;
  edition?: string;
  teacher?: string;
}

export interface Words {
  stages: readonly Word[];
  grades: readonly Word[];
  subjects: readonly Word[];
  editions: readonly Word[];
}

export interface Word {
  value: string;
  label: string;
}

const DIGITS = "零一二三四五六七八九";
const TEACHER = /(?:主讲|授课|执教)?(?:教师|老师)?[:：\s_-]*([\u4e00-\u9fff]{1,4})老师/;
const QUOTED = /[《「『【]([^》」』】]{1,120})[》」』】]/;
const NOISE = /^[\s_\-.·、,，:：（）()【】[\]]+|[\s_\-.·、,，:：（(【[]+$/g;
const COUNTER = /^\d{1,3}(?=[\s_\-.、])/;

/** Turn "3年级" into "三年级": names are written both ways. */
function hanDigits(text: string): string {
  return text.replace(/([1-9])(?=\s*年级|\s*年)/g, (digit) => DIGITS[Number(digit)] ?? digit);
}

/** The longest word whose label or value is in the text. */
function find(text: string, words: readonly Word[]): string | undefined {
  const hits = words.filter((word) => word.label !== "" && text.includes(word.label));
  return hits.sort((a, b) => b.label.length - a.label.length)[0]?.value;
}

export function stemOf(name: string): string {
  const leaf = name.split(/[\\/]/).pop() ?? name;
  return leaf.replace(/(?<=.)\.[a-z0-9]{2,5}$/i, "").normalize("NFC");
}

/** Read what a file name tells, with the words of the catalogue to recognise. */
export function guessFrom(fileName: string, words: Words): Guess {
  const stem = stemOf(fileName);
  const text = hanDigits(stem);
  const teacher = TEACHER.exec(text);
  const guess: Guess = { title: titleOf(stem) };
  const found = {
    stage: find(text, words.stages),
    grade: find(text, words.grades),
    subject: find(text, words.subjects),
    edition: find(text, words.editions),
    teacher: teacher?.[1] ? `${teacher[1]}老师` : undefined,
  };
  for (const [key, value] of Object.entries(found)) if (value) guess[key as keyof Guess] = value;
  return guess;
}

function titleOf(stem: string): string {
  const quoted = QUOTED.exec(stem);
  if (quoted?.[1]) return quoted[1].trim();
  const bare = stem.replace(COUNTER, "").replace(/_+/g, " ").replace(NOISE, "").trim();
  return bare || stem;
}
