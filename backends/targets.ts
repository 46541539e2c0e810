/** Decides where an endpoint of the config is reached, with its secrets put in: the only place that reads them. */
import { err, ok } from "../src/lib/result.ts";
import type { Result } from "../src/lib/result.ts";
import type { EndpointConfig, SecretRef } from "../src/config/config.ts";
import { formsOf } from "../src/wire/credential-forms.ts";
import type { Target } from "./port.ts";

/** `error` is the name of a secret that the config asks for and the environment lacks. */
export function targetOf(endpoint: EndpointConfig, env: Readonly<Record<string, unknown>>): Result<Target, string> {
  const authorization = bearer(endpoint.auth, env);
  if (!authorization.ok) return authorization;
  const healthAuthorization = bearer(endpoint.health.auth, env);
  if (!healthAuthorization.ok) return healthAuthorization;
  return ok({
    endpointId: endpoint.id,
    model: typeof endpoint.model === "string" ? endpoint.model : null,
    url: endpoint.url,
    authorization: authorization.value,
    concurrencyPerWorker: endpoint.concurrencyPerWorker,
    healthUrl: endpoint.health.url,
    healthAuthorization: healthAuthorization.value,
  });
}

function bearer(ref: SecretRef | null, env: Readonly<Record<string, unknown>>): Result<string | null, string> {
  if (ref === null) return ok(null);
  const secret = env[ref.secret];
  return typeof secret === "string" && secret !== "" ? ok(`Bearer ${secret}`) : err(ref.secret);
}

/** Made once a target. */
const forms = new WeakMap<Target, readonly string[]>();

/** The credentials of a target, without their scheme, in every form: what must not be in anything that is shown. */
export function credentialsOf(target: Target): readonly string[] {
  const known = forms.get(target);
  if (known !== undefined) return known;
  const headers = [target.authorization, target.healthAuthorization].filter((header) => header !== null);
  const made = [...new Set(headers)].flatMap((header) => formsOf(header.slice(header.indexOf(" ") + 1)));
  forms.set(target, made);
  return made;
}
