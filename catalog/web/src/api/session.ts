/** Who is signed in: one reactive value that all pages share. */
import { reactive, readonly } from "vue";
import { againMs, awayOf, type Away } from "./away";
import { ANSWER_LIMIT_MS, request, useCsrf } from "./client";
import type { Me, PasswordChange, SignInBody } from "./types";

const GUEST: Me = {
  person_id: "",
  name: "",
  username: "",
  roles: [],
  affiliations: [],
  may_upload: false,
  is_administrator: false,
  quota_bytes: 0,
  used_bytes: 0,
  csrf: "",
};

/** `away`: who did not answer when it was asked last. Then `me` is as it was before. */
const state = reactive({
  me: GUEST, known: false, away: undefined as Away | undefined,
});
let asked: Promise<Me> | undefined;
let again = 0;

export const session = readonly(state);

function take(me: Me): Me {
  state.me = me;
  state.known = true;
  state.away = undefined;
  useCsrf(me.csrf);
  return me;
}

/**
 * Ask once who this is; a guest when the server says so. Where nobody answers it is asked again and
 * again.
 */
export function whoAmI(): Promise<Me> {
  asked ??= request<Me>("GET", "/me", { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) })
    .then(take)
    .catch(async (error: unknown) => {
      const away = await awayOf(error);
      asked = undefined;
      if (!away) return take(GUEST);
      state.away = away;
      window.clearTimeout(again);
      again = window.setTimeout(() => void whoAmI(), againMs());
      return state.me;
    });
  return asked;
}

export function refreshMe(): Promise<Me> {
  asked = undefined;
  return whoAmI();
}

export async function signIn(username: string, password: string): Promise<Me> {
  const body: SignInBody = { username, password };
  await request("POST", "/login", { body });
  return refreshMe();
}

export async function signOut(): Promise<void> {
  await request("POST", "/logout");
  asked = undefined;
  take(GUEST);
}

export async function changePassword(old: string, fresh: string): Promise<void> {
  const body: PasswordChange = { old, new: fresh };
  await request("POST", "/me/password", { body });
}
