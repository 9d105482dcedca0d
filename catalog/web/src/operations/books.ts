/**
 * All runbooks, as one file of their own; the service gives them nowhere else. They lie with what
 * they are about, so that a change of one is a change of the other (web_build.py looks there, too).
 */
const files = import.meta.glob<string>(
  ["../../../../deploy/runbooks/*.md", "!**/README.md"],
  { query: "?raw", import: "default", eager: true },
);

/** Markdown by the name of its alert. */
export const BOOKS: ReadonlyMap<string, string> = new Map(
  Object.entries(files).map(([path, text]) => [path.replace(/^.*\/|\.md$/g, ""), text]),
);
