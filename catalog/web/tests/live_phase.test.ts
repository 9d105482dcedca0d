import { describe, expect, it } from "vitest";
import { isOver, phaseOf } from "@/live/phase";

describe("where a lesson stands", () => {
  it("waits before anything is known and before it begins", () => {
    expect(phaseOf(undefined, undefined)).toBe("waiting");
    expect(phaseOf("scheduled", undefined)).toBe("waiting");
    expect(phaseOf("waiting", "waiting")).toBe("waiting");
  });

  it("is what the room says, which knows first", () => {
    expect(phaseOf("waiting", "live")).toBe("live");
    expect(phaseOf("live", "reconnecting")).toBe("reconnecting");
    expect(phaseOf("live", "ended")).toBe("ended");
    expect(phaseOf("ended", "recorded")).toBe("recorded");
  });

  it("is over when the catalogue says so, also where the room was not told", () => {
    expect(phaseOf("cancelled", "waiting")).toBe("cancelled");
    expect(phaseOf("failed", "waiting")).toBe("failed");
    expect(phaseOf("recorded", undefined)).toBe("recorded");
  });

  it("says that there is no recording where it is known", () => {
    expect(phaseOf("failed", "ended")).toBe("failed");
    expect(isOver("failed")).toBe(true);
    expect(isOver("reconnecting")).toBe(false);
  });
});
