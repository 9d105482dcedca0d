/** Who is signed in: one reactive value that all pages share. */
import { reactive, readonly } from "vue";
import { request, useCsrf } from "./client";
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

const state = reactive({ me: GUEST, known: false });
let asked: Promise<Me> | undefined;

export const session = readonly(state);

function take(me: Me): Me {
  state.me = me;
  state.known = true;
  useCsrf(me.csrf);
  return me;
}

/** Ask once who this is; a guest when the server says so or cannot be reached. */
export function whoAmI(): Promise<Me> {
  asked ??= request<Me>("GET", "/me")
    .then(take)
    .catch(() => {
      asked = undefined;
      return take(GUEST);
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
