/** What the page asks about API keys, and what it reads in the answers. A secret is in one answer only, and nowhere else. */
import { type Answered, apiCall, memberOf } from "../session/api-call.ts";

export type KeyRow = {
  readonly id: string;
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** `active`, `expired`, `revoked`; `config` for one of the file, which cannot be changed here. */
  readonly status: string;
  readonly expiresAt: string | null;
  readonly liveSecrets: number | null;
  readonly note: string;
};

export type KeyList = { readonly keys: readonly KeyRow[]; readonly hasMore: boolean };

export type NewKey = {
  readonly tenant: string;
  readonly label: string;
  readonly scopes: readonly string[];
  readonly expiresInSeconds: number | null;
};

/** A day: time to bring a new secret to every client. */
export const OVERLAP_S = 86_400;

const keyAt = (id: string): string => `/admin/keys/${encodeURIComponent(id)}`;

export const listKeys = (): Promise<Answered> => apiCall("GET", "/admin/keys?limit=500");
export const createKey = (key: NewKey): Promise<Answered> => apiCall("POST", "/admin/keys", key);
export const rotateKey = (id: string): Promise<Answered> =>
  apiCall("POST", `${keyAt(id)}/rotate`, { overlapSeconds: OVERLAP_S });
export const revokeKey = (id: string): Promise<Answered> => apiCall("DELETE", keyAt(id));

export function readKeys(value: unknown): KeyList {
  const own = listIn(value, "data").flatMap((key) => readKey(key, null));
  const fixed = listIn(value, "config").flatMap((key) => readKey(key, "config"));
  return { keys: [...own, ...fixed], hasMore: memberOf(value, "hasMore") === true };
}

/** The secret of a key that was made or rotated; null: the answer has none. */
export function secretIn(value: unknown): string | null {
  const key = memberOf(value, "key");
  return typeof key === "string" ? key : null;
}

function readKey(value: unknown, status: string | null): readonly KeyRow[] {
  const text = (name: string): string | null => {
    const found = memberOf(value, name);
    return typeof found === "string" ? found : null;
  };
  const id = text("id");
  if (id === null) return [];
  const secrets = memberOf(value, "secrets");
  const scopes = listIn(value, "scopes").filter((scope): scope is string => typeof scope === "string");
  return [
    {
      id,
      tenant: text("tenant") ?? "",
      scopes,
      status: status ?? text("status") ?? "unknown",
      expiresAt: text("expiresAt"),
      liveSecrets: Array.isArray(secrets) ? secrets.filter((one) => memberOf(one, "isLive") === true).length : null,
      note: text("note") ?? "",
    },
  ];
}

function listIn(value: unknown, name: string): readonly unknown[] {
  const found = memberOf(value, name);
  return Array.isArray(found) ? found : [];
}
