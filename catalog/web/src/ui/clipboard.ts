/** Copying a line of text, also where the page came without encryption (a school's own network). */

/** Copy, and tell whether it worked. */
export async function copyText(text: string): Promise<boolean> {
  try {
    // Without encryption the browser gives no clipboard at all.
    if (!window.isSecureContext) return copySelected(text);
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function copySelected(text: string): boolean {
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "sr";
  const holder = document.querySelector("dialog[open]") ?? document.body;
  holder.append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  return copied;
}
