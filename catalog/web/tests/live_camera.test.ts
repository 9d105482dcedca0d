import { describe, expect, it } from "vitest";
import { ApiError } from "@/api/client";
import { cameraState, refusalOf } from "@/live/camera";

const refused = (status: number, fields = {}) => new ApiError(status, "no", fields);

describe("a camera that is pulled", () => {
  it("is asked for, looked for, shown, lost and let go", () => {
    expect(cameraState(false, false, "waiting")).toBe("idle");
    expect(cameraState(true, false, "waiting")).toBe("asking");
    expect(cameraState(false, true, "waiting")).toBe("connecting");
    expect(cameraState(false, true, "live")).toBe("showing");
    expect(cameraState(false, true, "reconnecting")).toBe("away");
    expect(cameraState(true, true, "live")).toBe("asking");
    expect(cameraState(false, false, "live")).toBe("idle");
    expect(cameraState(false, true, undefined)).toBe("asked");
  });

  it("is refused for a reason that a teacher can do something about", () => {
    const host = (url: string) => refusalOf(refused(422, { url: "host" }), url);
    expect(host("rtsp://admin:pw@10.1.2.3:554/ch1")).toEqual({ key: "host", host: "10.1.2.3" });
    expect(host("rtsp://[fd00::7]/1")).toEqual({ key: "host", host: "[fd00::7]" });
    const of = (fields: object, status = 422) => refusalOf(refused(status, fields), "rtsp://a/b")?.key;
    expect(of({ url: "rtsp://host/path" })).toBe("address");
    expect(of({ url: "one @ at most" })).toBe("password");
    expect(of({})).toBe("closed");
    expect(of({}, 409)).toBe("early");
    expect(of({}, 500)).toBeUndefined();
    expect(refusalOf(new Error("no"), "rtsp://a/b")).toBeUndefined();
  });
});
