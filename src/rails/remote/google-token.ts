/**
 * Makes tokens for services of Google Cloud of what an operator has: an access token, or the JSON key of a service
 * account, which signs its own (RS256, an hour long) so that no further service is asked.
 *
 * Source: google.aip.dev/auth/4111; developers.google.com/identity/protocols/oauth2/service-account#jwt-auth.
 * Rejected: the exchange of the signed token for another one, a call on the way of every first request.
 */
const SCOPE = "https://www.googleapis.com/auth/cloud-platform";

/** The longest there is, s. */
const LIFETIME_S = 3_600;
/** A new one is made so long before the end of the old one, s. */
const MARGIN_S = 300;

type Account = { readonly client_email: string; readonly private_key: string; readonly private_key_id?: string };

/** Gives the token of now, ms. Rejects if the key cannot sign. The key is imported once. */
export function tokenSource(secret: string): (nowMs: number) => Promise<string> {
  if (!secret.trimStart().startsWith("{")) return async () => secret;
  let key: CryptoKey | null = null;
  let token = "";
  let endsAtS = 0;
  return async (nowMs) => {
    const nowS = Math.floor(nowMs / 1_000);
    if (nowS < endsAtS - MARGIN_S) return token;
    const account = JSON.parse(secret) as Account;
    key ??= await importKey(account.private_key);
    const { client_email: email, private_key_id: kid } = account;
    const head = base64Url(JSON.stringify({ alg: "RS256", typ: "JWT", ...(kid === undefined ? {} : { kid }) }));
    const claims = { iss: email, sub: email, scope: SCOPE, iat: nowS, exp: nowS + LIFETIME_S };
    const signed = `${head}.${base64Url(JSON.stringify(claims))}`;
    const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", key, new TextEncoder().encode(signed));
    token = `${signed}.${base64Url(String.fromCharCode(...new Uint8Array(signature)))}`;
    endsAtS = nowS + LIFETIME_S;
    return token;
  };
}

function importKey(pem: string): Promise<CryptoKey> {
  const base64 = pem.replaceAll(/-----[A-Z ]+-----|\s/g, "");
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return crypto.subtle.importKey("pkcs8", bytes, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["sign"]);
}

/** Of a text in Latin-1. */
const base64Url = (text: string): string => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
