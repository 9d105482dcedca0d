import { describe, expect, it } from "vitest";
import { cmcdSetup, headersOf, type Now } from "@/qoe/cmcd";
import { MOST_KEPT, Outbox, type Shelf } from "@/qoe/outbox";
import { isEmpty, newId, reportOf, type Report } from "@/qoe/report";
import { LONGEST_SPAN_MS, SHORTEST_STALL_MS, Viewing } from "@/qoe/viewing";

const NOTHING = {
  joinMs: undefined, playMs: 0, rebufferMs: 0, rebuffers: 0, kbps: undefined, rungChanges: 0,
};

describe("a viewing", () => {
  it("joins once, from the wish on", () => {
    const viewing = new Viewing(1000);
    viewing.wished(5000);
    viewing.wished(5200);
    viewing.playing(5640);
    viewing.playing(5700);
    expect(viewing.take(6640)).toEqual({ ...NOTHING, joinMs: 640, playMs: 1000 });
    expect(viewing.take(6640)).toEqual(NOTHING);
  });

  it("joins from the opening where nobody has to ask", () => {
    const viewing = new Viewing(1000);
    viewing.stalled(1100);
    viewing.playing(1450);
    expect(viewing.take(1450).joinMs).toBe(450);
  });

  it("joins a lesson that had not begun from its beginning", () => {
    const viewing = new Viewing(0);
    viewing.excused(100);
    viewing.resumed(600_000);
    viewing.playing(600_300);
    expect(viewing.take(600_300).joinMs).toBe(300);
  });

  it("tells play from standing, and a stall over two reports once", () => {
    const viewing = new Viewing(0);
    viewing.playing(0);
    viewing.stalled(10_000);
    expect(viewing.take(12_000)).toEqual({
      ...NOTHING, joinMs: 0, playMs: 10_000, rebufferMs: 2000, rebuffers: 1,
    });
    viewing.stalled(12_500);
    viewing.playing(13_000);
    expect(viewing.take(14_000)).toEqual({ ...NOTHING, playMs: 1000, rebufferMs: 1000 });
  });

  it("does not count what nobody sees, wants or can help", () => {
    const viewing = new Viewing(0);
    viewing.playing(0);
    viewing.stalled(1000);
    viewing.playing(1000 + SHORTEST_STALL_MS - 1);
    viewing.still(2000);
    viewing.stalled(2100);
    viewing.playing(5000);
    viewing.stalled(6000);
    viewing.excused(7000);
    viewing.stalled(7500);
    viewing.playing(9000);
    viewing.take(9000 + LONGEST_SPAN_MS + 1);
    expect(viewing.take(9000 + LONGEST_SPAN_MS + 1001)).toMatchObject({
      playMs: 1000, rebuffers: 0, rebufferMs: 0,
    });
  });

  it("weighs bitrates by the time they played", () => {
    const viewing = new Viewing(0);
    viewing.rung(0, "360p", 600_000);
    viewing.playing(0);
    viewing.rung(3000, "720p", 2_000_000);
    viewing.rung(4000, "720p", 2_000_000);
    viewing.still(4000);
    expect(viewing.take(9000)).toMatchObject({ kbps: 950, rungChanges: 1, playMs: 4000 });
    expect(viewing.take(9000).kbps).toBeUndefined();
  });
});

describe("a report", () => {
  const who = { session: "s", content: "c", live: true };

  it("is CMCD in JSON and what CMCD has no keys for", () => {
    const figures = {
      joinMs: 420.4, playMs: 29_999.6, rebufferMs: 1e9, rebuffers: 2, kbps: 950.2, rungChanges: 1,
    };
    expect(reportOf("i", who, "ws", figures)).toEqual({
      id: "i",
      cmcd: { v: 1, sid: "s", cid: "c", st: "l", sf: "o", br: 950, bs: true },
      delivery: "ws", join_ms: 420, play_ms: 30_000, rebuffer_ms: 600_000, rebuffers: 2,
      rung_changes: 1,
    });
    expect(reportOf("i", { ...who, live: false }, "hls", NOTHING)).toEqual({
      id: "i", cmcd: { v: 1, sid: "s", cid: "c", st: "v", sf: "h" }, delivery: "hls",
      play_ms: 0, rebuffer_ms: 0, rebuffers: 0, rung_changes: 0,
    });
    expect(isEmpty(NOTHING)).toBe(true);
    expect(isEmpty({ ...NOTHING, joinMs: 0 })).toBe(false);
  });

  it("has an id that is a UUID, also without a secure context", () => {
    expect(newId(new Uint8Array(16).fill(255))).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
    expect(newId()).not.toBe(newId());
  });
});

describe("what waits", () => {
  const report = (id: number): Report => ({ id: String(id) });

  function shelf(): Shelf & { text: string | null } {
    return {
      text: null,
      getItem() { return this.text; },
      setItem(_, value) { this.text = value; },
    };
  }

  it("is sent again with the same id, and is there after a reload", async () => {
    const place = shelf();
    const sent: string[] = [];
    let status = 0;
    const post = (body: string) => {
      sent.push(JSON.parse(body).id);
      return Promise.resolve(status);
    };
    const first = new Outbox(place, post);
    first.add(report(1));
    first.add(report(2));
    for (status of [0, 429, 503]) await first.send();
    expect(sent).toEqual(["1", "1", "1"]);
    const second = new Outbox(place, post);
    status = 204;
    await Promise.all([second.send(), second.send()]);
    expect(sent.slice(3)).toEqual(["1", "2"]);
    expect([second.size, new Outbox(place, post).size]).toEqual([0, 0]);
  });

  it("forgets what is refused for good", async () => {
    const outbox = new Outbox(shelf(), () => Promise.resolve(422));
    outbox.add(report(1));
    await outbox.send();
    expect(outbox.size).toBe(0);
  });

  it("is bounded, and does not mind a storage that is closed or damaged", () => {
    const full: Shelf = { getItem: () => '{"x":', setItem() { throw new Error("full"); } };
    for (const place of [full, undefined, { ...full, getItem: () => '[1,null,{"id":2}]' }]) {
      const outbox = new Outbox(place, () => Promise.resolve(0));
      for (let id = 0; id < MOST_KEPT + 3; id += 1) outbox.add(report(id));
      expect(outbox.size).toBe(MOST_KEPT);
      expect(outbox.newest(2)).toEqual([report(MOST_KEPT + 1), report(MOST_KEPT + 2)]);
    }
  });
});

describe("CMCD with requests", () => {
  const who = { session: "s-1", content: "c1", live: false };
  const now: Now = {
    kbps: 1850.4, aheadMs: 12_345, throughputKbps: 4_070, starved: true, started: false,
  };

  function asked(url: string, context: object): [string, string][] {
    const said: [string, string][] = [];
    const xhr = {
      readyState: 0,
      open() { this.readyState = 1; },
      setRequestHeader: (name: string, text: string) => said.push([name, text]),
    };
    const setup = cmcdSetup(who, () => now, "http://box.school");
    void setup(xhr as unknown as XMLHttpRequest, url, context as never);
    return said;
  }

  it("says all with a segment", () => {
    const frag = { duration: 4.004, sn: 3, type: "main" };
    expect(asked("http://box.school/media/a/3.m4s?token=x", { frag, part: null })).toEqual([
      ["CMCD-Object", "br=1850,d=4004,ot=v"],
      ["CMCD-Request", "bl=12300,mtp=4100,su"],
      ["CMCD-Session", 'cid="c1",sf=h,sid="s-1",st=v'],
      ["CMCD-Status", "bs"],
    ]);
  });

  it("says what stays the same with playlists and parts", () => {
    const session = [["CMCD-Session", 'cid="c1",sf=h,sid="s-1",st=v']];
    expect(asked("/live/a/v.m3u8", { type: "level" })).toEqual(session);
    const frag = { duration: 2, sn: 3, type: "main" };
    expect(asked("/live/a/v/3.1.m4s", { frag, part: {} })).toEqual(session);
  });

  it("says nothing to others", () => {
    expect(asked("https://elsewhere/a.m3u8", { type: "level" })).toEqual([]);
  });

  it("guards quotes", () => {
    expect(headersOf({ cid: 'a"b\\c' })).toEqual([["CMCD-Session", 'cid="a\\"b\\\\c"']]);
    expect(headersOf({})).toEqual([]);
  });
});
