/**
 * The rail `webhook`: asks a service of the operator's.
 *
 * `POST` with `{type:"rail.check", stage, parts:[{path, role, text}], requestId, tenant, pool}`, signed as Standard
 * Webhooks 1.0.0 says where a secret is named: HMAC-SHA-256 over `id.timestamp.body`. The answer is
 * `{verdict:"allow|flag|redact|block", spans?:[{path,start,end,type,replacement?}], reasons?}`, offsets in UTF-16
 * units. An answer that names a text or a place that there is not is no answer.
 */
import { readWebhookAnswer } from "../core/outside-answers.ts";
import { createSigner } from "../../wire/webhook-signature.ts";
import { postJson } from "./outside.ts";
import type { OutsideRail } from "./outside.ts";

/** `secret` as Standard Webhooks writes it: base64 behind `whsec_`; null: requests are not signed. */
export function webhookRail(url: string, secret: string | null, name: string): OutsideRail {
  const sign = secret === null ? null : createSigner(secret);
  return async ({ requestId, tenant, pool, input, signal }) => {
    const parts = input.parts.map(({ path, role, text }) => ({ path, role, text }));
    const body = JSON.stringify({ type: "rail.check", stage: "input", parts, requestId, tenant, pool });
    const headers = sign === null ? {} : await sign(`${requestId}.${name}`, Date.now(), body);
    return readWebhookAnswer(await postJson(url, { headers, body, signal }), input, name);
  };
}
