/** The line between a school and the city is cut: what the pages are told, and when it is over. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, getJson, lineDown, request } from "@/api/client";
import { RoomClient, type RoomView } from "@/live/room/client";
import { errorText } from "@/ui/words";

const REFUSED = "the line to the city is down: this works again when it is back";
const key = (name: string) => name;

function answers(...all: Response[]): void {
  vi.stubGlobal("fetch", async () => all.shift() ?? Response.error());
}

const kept = () => Response.json({}, { headers: { "Tongbu-Line": "down" } });
const fresh = () => Response.json({});
const refused = (status: number, detail: string) => Response.json({ detail }, { status });

afterEach(() => {
  vi.unstubAllGlobals();
  lineDown.value = false;
});

describe("answers of the API", () => {
  it("say that they are of before, until one is not", async () => {
    answers(kept(), kept(), fresh());
    const seen = [];
    for (let asked = 0; asked < 3; asked += 1) {
      await request("GET", "/lessons");
      seen.push(lineDown.value);
    }
    expect(seen).toEqual([true, true, false]);
  });

  it("that refuse tell of the line only when they came from the city", async () => {
    answers(kept(), refused(503, REFUSED), refused(404, "no such lesson"));
    await request("GET", "/lessons");
    await expect(request("POST", "/lessons")).rejects.toThrow(REFUSED);
    expect(lineDown.value).toBe(true);
    await expect(request("GET", "/lessons/x")).rejects.toThrow(ApiError);
    expect(lineDown.value).toBe(false);
  });

  it("from elsewhere say nothing of it", async () => {
    answers(kept(), fresh());
    await request("GET", "/lessons");
    await getJson("/edge/status", new AbortController().signal);
    expect(lineDown.value).toBe(true);
  });

  it("are put in plain words", () => {
    expect(errorText(key, new ApiError(503, REFUSED))).toBe("error.lineDown");
    expect(errorText(key, new ApiError(503, "the database is away"))).toBe("error.away");
    expect(errorText(key, new ApiError(502, REFUSED))).toBe("error.server");
  });
});

class Socket {
  static readonly OPEN = 1;
  static last: Socket;
  readyState = Socket.OPEN;
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: (event: { code: number }) => void;

  constructor() {
    Socket.last = this;
  }

  send(): void {}
  close(): void {}

  hear(said: object): void {
    this.onmessage?.({ data: JSON.stringify(said) });
  }
}

describe("a room", () => {
  const welcome = { type: "welcome", member: "m2", role: "classroom", now: 1795600000, room: {} };
  let client: RoomClient;
  const shown = (): Partial<RoomView> => {
    const { connected, lineDown: down, member } = client.view;
    return { connected, lineDown: down, member };
  };

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", Socket);
    vi.stubGlobal("window", Object.assign(new EventTarget(), globalThis, {
      location: { href: "http://hezi.school/classroom" },
    }));
    client = new RoomClient(() => "/live/s1/room", { device: "kiosk", delivery: "ws" }, {
      changed: () => undefined, refused: () => undefined, floorKey: () => undefined,
    });
  });

  afterEach(() => {
    client.close();
    vi.useRealTimers();
  });

  it("says so while the box keeps the place, and is as before at the next welcome", () => {
    Socket.last.hear(welcome);
    expect(shown()).toEqual({ connected: true, lineDown: false, member: "m2" });
    Socket.last.hear({ type: "line", up: false });
    expect(shown()).toEqual({ connected: true, lineDown: true, member: "m2" });
    Socket.last.hear({ type: "target", d_ms: 600 });
    expect(client.view.lineDown).toBe(true);
    Socket.last.hear(welcome);
    expect(shown()).toEqual({ connected: true, lineDown: false, member: "m2" });
  });

  it("that was never reached says so too", () => {
    Socket.last.hear({ type: "line", up: false });
    expect(shown()).toEqual({ connected: false, lineDown: true, member: "" });
  });

  it("knows nothing of the line once the box itself is lost", () => {
    Socket.last.hear(welcome);
    Socket.last.hear({ type: "line", up: false });
    Socket.last.onclose?.({ code: 1006 });
    expect(shown()).toEqual({ connected: false, lineDown: false, member: "m2" });
  });
});
