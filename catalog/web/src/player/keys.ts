/** What a key means to the player. Letters as most players have them; arrows for a remote. */

export type Command =
  | { do: "toggle" }
  | { do: "seekBy"; seconds: number }
  | { do: "seekTo"; share: number }
  | { do: "volumeBy"; amount: number }
  | { do: "speed"; step: 1 | -1 }
  | { do: "mute" }
  | { do: "fullscreen" }
  | { do: "captions" };

const COMMANDS: Record<string, Command> = {
  " ": { do: "toggle" },
  k: { do: "toggle" },
  MediaPlayPause: { do: "toggle" },
  j: { do: "seekBy", seconds: -10 },
  l: { do: "seekBy", seconds: 10 },
  ArrowLeft: { do: "seekBy", seconds: -5 },
  ArrowRight: { do: "seekBy", seconds: 5 },
  ArrowUp: { do: "volumeBy", amount: 0.05 },
  ArrowDown: { do: "volumeBy", amount: -0.05 },
  Home: { do: "seekTo", share: 0 },
  End: { do: "seekTo", share: 1 },
  "<": { do: "speed", step: -1 },
  ">": { do: "speed", step: 1 },
  m: { do: "mute" },
  f: { do: "fullscreen" },
  c: { do: "captions" },
};

/**
 * The command for a key, if any. `on` says where the focus is: in the picture every key counts;
 * on a control the arrows, Space, Home and End belong to that control; in a text field nothing does.
 */
export function commandFor(
  key: string,
  modified: boolean,
  on: "picture" | "control" | "text",
): Command | undefined {
  if (modified || on === "text") return undefined;
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (on === "control" && (name === " " || /^(Arrow|Home|End)/.test(name))) return undefined;
  if (/^[0-9]$/.test(name)) return { do: "seekTo", share: Number(name) / 10 };
  return COMMANDS[name];
}
