/** A browser at the dashboard, as far as headers go: it signs in, keeps its cookie, and sends what browsers send. */
import { claimsOf, signSession } from "../../src/sight/session.ts";
import { keyHmac, toHex } from "../../src/wire/api-keys.ts";
import type { Fleet } from "./fleet.ts";

/** The cookie of a session of the fleet's key that began at `begunAtMs`: as the router would have signed it then. */
export async function sessionBegunAt(
  { key, pepper }: Pick<Fleet, "key" | "pepper">,
  begunAtMs: number,
): Promise<{ readonly name: string; readonly value: string }> {
  const digests = [toHex(await keyHmac(key, pepper))];
  const value = await signSession(claimsOf({ keyId: "test", digests, endsAtMs: null }, "then", begunAtMs), pepper);
  return { name: "warmpath", value };
}

export type SignedIn = {
  readonly cookie: string;
  readonly csrf: string;
  /** As the page would send it. */
  call(path: string, init?: RequestInit): Promise<Response>;
};

export async function postKey(url: string, key: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/dashboard/api/session`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: url, ...headers },
    body: JSON.stringify({ key }),
  });
}

export async function signIn({ router, key }: Pick<Fleet, "router" | "key">): Promise<SignedIn> {
  const { url } = router;
  const response = await postKey(url, key);
  const { csrf } = (await response.json()) as { csrf: string };
  const cookie = (response.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  return {
    cookie,
    csrf,
    async call(path, init = {}) {
      const headers = { cookie, origin: url, "sec-fetch-site": "same-origin", "x-warmpath-csrf": csrf };
      return fetch(url + path, { ...init, headers: { ...headers, ...(init.headers as Record<string, string>) } });
    },
  };
}
