import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import en from "@/i18n/en.json";
import zh from "@/i18n/zh-CN.json";
import { contentReason, sizeReason } from "@/upload/check";
import { HEAD_BYTES, noMedia } from "@/upload/sniff";

interface Case {
  name: string;
  head: string;
  what: string;
}

// The server's test reads the same file: what is refused here is what it refuses.
const cases = JSON.parse(readFileSync("../../tests/corpus/uploads/first_bytes.json", "utf8")) as {
  recordings: Case[];
  refused: Case[];
};
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const text = (value: string) => new TextEncoder().encode(value);

describe("first bytes", () => {
  it.each(cases.recordings)("$name goes on to the server", ({ head }) => {
    expect(noMedia(bytesOf(head), false)).toBeNull();
  });

  it.each(cases.refused)("$name is refused", ({ head, what }) => {
    expect([true, false].map((whole) => noMedia(bytesOf(head), whole))).toEqual([what, what]);
  });

  it.each([0, 1, 2, 3])("text that the head cuts %i bytes early is text", (cut) => {
    expect(noMedia(text("课".repeat(2000)).subarray(0, HEAD_BYTES - cut), false)).toBe("text");
  });

  it("judges a short file only when it is whole", () => {
    expect(noMedia(text("hello"), false)).toBeNull();
    expect(noMedia(text("hello"), true)).toBe("text");
  });

  it("has a sentence for each kind in both languages", () => {
    for (const { what } of cases.refused) {
      expect(zh.uploadError).toHaveProperty(what);
      expect(en.uploadError).toHaveProperty(what);
    }
  });
});

describe("before anything is sent", () => {
  const room = { fileBytes: 1000, leftBytes: 500 };

  it.each([
    [0, "empty"],
    [500, ""],
    [501, "overQuota"],
    [1001, "tooLarge"],
  ])("a file of %i bytes: %s", (bytes, reason) => {
    expect(sizeReason(bytes, room)).toBe(reason);
  });

  it("leaves the limit to the server while it is unknown", () => {
    expect(sizeReason(1 << 30, { fileBytes: null, leftBytes: Infinity })).toBe("");
  });

  it("looks into the file, and only at its head", async () => {
    expect(await contentReason(new Blob(["这不是视频\n".repeat(500)]))).toBe("text");
    expect(await contentReason(new Blob([new Uint8Array(HEAD_BYTES), "text"]))).toBe("");
  });

  it("says so when the file cannot be read any more", async () => {
    const gone = { size: 9, slice: () => ({ arrayBuffer: () => Promise.reject(new Error("gone")) }) };
    expect(await contentReason(gone as unknown as Blob)).toBe("read");
  });
});
