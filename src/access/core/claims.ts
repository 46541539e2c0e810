/**
 * Decides what the claims of a token that was verified mean here: a tenant, what it may do, and which models.
 *
 * Model. The issuer's entry in the config says how its words are read. A claim that is missing or of another shape gives
 * nothing: no tenant and the token is refused, no scope and it may do nothing, no list of models where one is asked for
 * and there is none that it may use. An issuer names only tenants that it may speak for.
 */

export type ClaimRules = {
  readonly tenant?: string | undefined;
  readonly tenantClaim: string;
  readonly tenants?: readonly string[] | undefined;
  readonly scopesClaim: string;
  readonly scopes?: Readonly<Record<string, string>> | undefined;
  readonly modelsClaim?: string | undefined;
};

export type Claimed = {
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** Null: every model. */
  readonly models: readonly string[] | null;
};

type Claims = Readonly<Record<string, unknown>>;

/** As the config has a tenant's name. */
const TENANT = /^[a-z0-9][a-z0-9._-]{0,63}$/;
/** Words of one claim that are looked at. */
const WORDS_MAX = 1_000;
const DEFAULT_SCOPE = "infer";

/** Null: it names no tenant that its issuer may speak for. */
export function readClaims(rules: ClaimRules, claims: Claims): Claimed | null {
  const tenant = rules.tenant ?? own(claims, rules.tenantClaim);
  if (typeof tenant !== "string" || !TENANT.test(tenant)) return null;
  if (rules.tenants !== undefined && !rules.tenants.includes(tenant)) return null;
  return { tenant, scopes: scopesOf(rules, claims), models: modelsOf(rules, claims) };
}

function scopesOf({ scopes, scopesClaim }: ClaimRules, claims: Claims): readonly string[] {
  if (scopes === undefined) return [DEFAULT_SCOPE];
  const meanings = new Map(Object.entries(scopes));
  const meant = words(own(claims, scopesClaim)).flatMap((word) => meanings.get(word) ?? []);
  return [...new Set(meant)];
}

const modelsOf = ({ modelsClaim }: ClaimRules, claims: Claims): readonly string[] | null =>
  modelsClaim === undefined ? null : words(own(claims, modelsClaim));

function words(value: unknown): readonly string[] {
  const list: readonly unknown[] = typeof value === "string" ? value.split(" ") : Array.isArray(value) ? value : [];
  return list.slice(0, WORDS_MAX).filter((word): word is string => typeof word === "string" && word !== "");
}

const own = (claims: Claims, name: string): unknown => (Object.hasOwn(claims, name) ? claims[name] : undefined);
