/**
 * Reads a config file for the command line, so that whoever bundles it and whoever serves it say the same of a wrong
 * one; and finds what is right in form but cannot have been meant for clients.
 */
import { readFileSync } from "node:fs";
import { err, ok, type Result } from "../../src/lib/result.ts";
import { formatProblems, parseConfig } from "../../src/config/config-parse.ts";
import { readNetwork } from "../../src/access/core/addresses.ts";
import { nearest } from "../../src/config/config-nearest.ts";
import { readJsonc } from "../../src/config/config-text.ts";
import type { Config } from "../../src/config/config.ts";

export type ConfigFile = { readonly text: string; readonly config: Config };

/**
 * The error is what a person should read, with the lines, the values and the fixes. `name`: what to call the file;
 * `remedy`: what to do when it cannot be read.
 */
export function readConfigFile(path: string, name: string, remedy: string): Result<ConfigFile, string> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return err(`cannot read ${name}: ${remedy}`);
  }
  const config = parseConfig(text);
  return config.ok ? ok({ text, config: config.value }) : err(formatProblems(text, config.error, name));
}

/**
 * Hosts that stand for the reader's own: how the sample config names its endpoints, and what RFC 2606 keeps for
 * examples.
 */
const PLACEHOLDER_HOSTS: readonly RegExp[] = [
  /^your-/,
  /(?:^|\.)example\.(?:com|net|org)$/,
  /(?:^|\.)example$/,
  /(?:^|\.)invalid$/,
];

/** One line for each thing that lets nobody be served; empty for a config that is ready. */
export function configWarnings(config: Config): readonly string[] {
  const nobody =
    config.keys.length === 0 && [...config.routes.values()].every(({ openTo }) => openTo === null)
      ? ["keys is empty, so every request is refused: make one with npm run key -- --id ops --tenant acme"]
      : [];
  const places = new Map<string, string>();
  for (const [place, url] of urlsOf(config)) {
    const host = new URL(url).hostname;
    if (!places.has(host) && PLACEHOLDER_HOSTS.some((pattern) => pattern.test(host))) places.set(host, place);
  }
  return [
    ...nobody,
    ...accessWarnings(config),
    ...[...places].map(([host, place]) => `${place}: ${host} is a placeholder, put your own there`),
  ];
}

/** What admits nobody, or nobody yet. A tenant's keys may be the registry's, or its tokens an issuer's. */
function accessWarnings({ keys, jwt, tenants, routes }: Config): readonly string[] {
  const known = new Set([...keys.map(({ tenant }) => tenant), ...[...routes.values()].map(({ openTo }) => openTo)]);
  const strangers = [...tenants.keys()].filter((tenant) => !known.has(tenant));
  const addresses = keys.flatMap(({ access }, index) =>
    (access?.addresses ?? []).flatMap((one, at) =>
      readNetwork(one) === null ? [`keys[${index}].addresses[${at}]: ${one} is no address and no network`] : [],
    ),
  );
  const secrets = jwt.flatMap((issuer, index) =>
    (issuer.keys ?? []).flatMap((one, at) =>
      "d" in one || "k" in one ? [`jwt[${index}].keys[${at}] is no public key, and is left out: remove it`] : [],
    ),
  );
  const meant = strangers.map((tenant) => {
    const near = nearest(
      tenant,
      [...known].filter((one) => one !== null),
    );
    const guess = near === null ? "" : `; did you mean "${near}"?`;
    return `tenants.${tenant}: no key of this file is this tenant's${guess}`;
  });
  return [...addresses, ...secrets, ...meant];
}

/** One line for each thing that is read otherwise than it is written; `text`: of a config that is right. */
export function configNotes(text: string): readonly string[] {
  const read = readJsonc(text);
  const { pools = {} } = read.ok ? (read.value.value as WrittenPools) : {};
  return Object.entries(pools).flatMap(([id, { endpoints }]) =>
    endpoints.flatMap(({ url }, index) =>
      /\/v1\/*$/.test(url)
        ? [`pools.${id}.endpoints[${index}].url: the final /v1 is left out, since the paths of requests begin with it`]
        : [],
    ),
  );
}

type WrittenPools = {
  readonly pools?: Readonly<Record<string, { readonly endpoints: readonly { readonly url: string }[] }>>;
};

function urlsOf({ pools }: Config): readonly (readonly [place: string, url: string])[] {
  return [...pools.values()].flatMap(({ id, endpoints, rails }) => [
    ...endpoints.map(({ url }, index) => [`pools.${id}.endpoints[${index}].url`, url] as const),
    ...endpoints.map(({ health }, index) => [`pools.${id}.endpoints[${index}].health.url`, health.url] as const),
    ...rails.input.flatMap(({ options }, index) =>
      "url" in options ? [[`pools.${id}.rails.input[${index}].url`, options.url] as const] : [],
    ),
  ]);
}
