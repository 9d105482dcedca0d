/** How something stands: what StateMark.vue has a picture of. */
export type Mark = "fine" | "note" | "warning" | "trouble" | "unsure" | "idle";
