/** Where a session's feeds are, with the token that its addresses carry. Pure. */
import type { LiveUrls } from "./api";

export type FeedName = "main" | "floor" | "second";

export interface FeedAddresses {
  stream: string;
  hls: string;
}

export function addressesOf(urls: LiveUrls, feed: FeedName): FeedAddresses {
  if (feed === "main") return { stream: urls.stream, hls: urls.hls };
  if (feed === "second" && urls.second_stream && urls.second_hls) {
    return { stream: urls.second_stream, hls: urls.second_hls };
  }
  return {
    stream: withQuery(urls.stream, { feed }),
    hls: urls.hls.replace(/multivariant\.m3u8/, `${feed}/multivariant.m3u8`),
  };
}

/** The session that addresses belong to. */
export function sessionOf(urls: LiveUrls): string {
  return new URL(urls.hls, "http://any").pathname.split("/")[2] ?? "";
}

/** Where a feed is published with a key that was granted in the room. */
export function publishAddress(session: string, feed: FeedName, key: string): string {
  return withQuery(`/live/${session}/publish`, { feed, key });
}

function withQuery(path: string, more: Record<string, string>): string {
  const [place = "", query = ""] = path.split("?");
  const all = new URLSearchParams(query);
  for (const [name, value] of Object.entries(more)) all.set(name, value);
  return `${place}?${all.toString()}`;
}
