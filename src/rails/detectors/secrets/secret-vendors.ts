/**
 * Keys without a prefix of their own, which only the vendor's name beside them gives away: `datadog_key = "…"`.
 *
 * Model. A vendor's name in the name that the value is given, at most VENDOR_GAP_CHARS_MAX characters before its end,
 * and a value of exactly that vendor's alphabet and length. Names that say hash, commit, trace or version do not count.
 * Source: shapes that the vendors issue; one row a shape.
 */
import { CHARS, isIn } from "../../core/text/char-class.ts";
import { KEY_CHARS, run } from "./secret-chars.ts";
import type { Run } from "./secret-chars.ts";
import type { NameWindow } from "./secret-scan.ts";

/** Between a vendor's name and the operator: "_api_access_token_v2" and the like. */
export const VENDOR_GAP_CHARS_MAX = 24;

/** Shorter names are parts of words ("lob" in "global"): these must begin a word. */
const VENDOR_FREE_CHARS_MIN = 7;

export type VendorShape = {
  /** Begins the value. */
  readonly prefix: string;
  readonly of: number;
  /** Lengths after the prefix. */
  readonly min: number;
  readonly max: number;
  /** The value is a UUID. */
  readonly isUuid: boolean;
  /** A colon and another run belong to it. */
  readonly tail: Run | null;
};

type Row = readonly [names: string, ...shapes: VendorShape[]];

const { alnum, base64, digit, hex, hexKebab, padded, upperDigit, urlSafe, urlSafeDotted } = KEY_CHARS;

const of = (mask: number, min: number, max: number = min, prefix = ""): VendorShape => ({
  prefix,
  of: mask,
  min,
  max,
  isUuid: false,
  tail: null,
});
const after = (prefix: string, mask: number, min: number, max: number = min): VendorShape => of(mask, min, max, prefix);
const UUID: VendorShape = { prefix: "", of: hexKebab, min: 36, max: 36, isUuid: true, tail: null };

const ROWS: readonly Row[] = [
  ["adafruit", of(urlSafe, 32)],
  ["adobe", of(hex, 32)],
  ["airtable", of(alnum, 17)],
  ["algolia", of(alnum, 32)],
  ["alibaba aliyun", of(alnum, 30)],
  ["amplitude", of(hex, 32)],
  ["asana", of(digit, 16), of(alnum, 32)],
  ["assemblyai assembly_ai", of(hex, 32)],
  ["atlassian confluence jira", of(alnum, 24)],
  ["aws_secret aws-secret awssecret secret_access_key secretaccesskey", of(base64, 40)],
  ["session_token sessiontoken security_token securitytoken", of(base64, 100, 2048)],
  ["azure", of(alnum, 32), of(alnum, 52), of(alnum, 84), of(base64, 44), of(base64, 88)],
  ["beamer", after("b_", padded, 44)],
  ["bitbucket", of(alnum, 32), of(padded, 64)],
  ["bittrex", of(alnum, 32)],
  ["bugsnag", of(hex, 32)],
  ["circleci circle_ci", of(hex, 40)],
  ["cloudflare", of(urlSafe, 40), of(hex, 37)],
  ["cloudinary", of(urlSafe, 27)],
  ["codecov", of(alnum, 32), UUID],
  ["cohere co_api_key", of(alnum, 40)],
  ["coinbase", of(urlSafe, 64)],
  ["confluent", of(alnum, 16), of(alnum, 64)],
  ["contentful", of(padded, 43)],
  ["contribsys", { ...of(hex, 8), tail: run(hex, 8) }],
  ["coveralls", of(alnum, 33)],
  ["datadog dd_api_key dd_app_key", of(alnum, 40), of(alnum, 32)],
  ["deepgram", of(hex, 40)],
  ["deepinfra deep_infra", of(alnum, 32)],
  ["digitalocean digital_ocean", of(hex, 64)],
  ["discord", of(hex, 64), of(digit, 17, 19), of(padded, 32), of(urlSafeDotted, 59, 72)],
  ["droneci drone_ci", of(alnum, 32)],
  ["dropbox", of(alnum, 15), of(padded, 64), after("sl.", padded, 135)],
  ["dnkey", after("dnkey-", padded, 79)],
  ["etsy", of(alnum, 24)],
  ["facebook", of(hex, 32)],
  ["fastly", of(padded, 32)],
  ["finicity", of(hex, 32), of(alnum, 20)],
  ["finnhub", of(alnum, 20), of(alnum, 40)],
  ["flickr", of(alnum, 32), of(hex, 16)],
  ["freshbooks freshdesk", of(alnum, 64), of(alnum, 20)],
  ["gitea forgejo codeberg sourcegraph", of(hex, 40)],
  ["gitter", of(urlSafe, 40)],
  ["gocardless", after("live_", padded, 40)],
  ["heroku", UUID],
  ["hetzner", of(alnum, 64)],
  ["hubspot", UUID],
  ["ibm_cloud ibmcloud", of(urlSafe, 44)],
  ["intercom", of(padded, 60)],
  ["jenkins", of(hex, 34), of(hex, 32)],
  ["jfrog artifactory bintray xray", of(alnum, 73), of(alnum, 64)],
  ["klaviyo", after("pk_", hex, 34)],
  ["kraken", of(KEY_CHARS.anyBase64, 80, 90)],
  ["kucoin", of(hex, 24), UUID],
  ["launchdarkly launch_darkly", of(padded, 40), UUID, after("api-", hexKebab, 36)],
  ["linear", of(hex, 32)],
  ["linkedin linked_in linked-in", of(alnum, 14), of(alnum, 16)],
  ["lob", after("live_", hex, 35), after("test_", hex, 35), after("live_pub_", hex, 31), after("test_pub_", hex, 31)],
  ["logzio logz_io", of(alnum, 32), UUID],
  ["looker", of(alnum, 20), of(alnum, 24)],
  ["mailchimp", of(KEY_CHARS.kebab, 36, 37)],
  ["mailgun", after("key-", hex, 32), after("pubkey-", hex, 32), of(KEY_CHARS.kebab, 50)],
  ["mapbox", after("pk.", urlSafeDotted, 83)],
  ["mattermost", of(alnum, 26)],
  ["maxmind max_mind", of(alnum, 16), of(KEY_CHARS.word, 40)],
  ["messagebird message_bird message-bird", of(alnum, 25), UUID],
  ["meraki", of(hex, 40)],
  ["mistral", of(alnum, 32)],
  ["mixpanel", of(hex, 32)],
  ["mollie", after("live_", alnum, 30), after("test_", alnum, 30)],
  ["netlify", of(padded, 40, 46)],
  [
    "newrelic new_relic new-relic",
    of(alnum, 64),
    of(hex, 40),
    after("NRII-", KEY_CHARS.kebab, 32),
    after("NRAK-", alnum, 27),
    after("NRJS-", hex, 19),
  ],
  ["nytimes newyorktimes new-york-times new_york_times", of(padded, 32)],
  ["okta", after("00", padded, 40)],
  ["opsgenie ops_genie", UUID],
  ["pagerduty pager_duty", of(urlSafe, 20), of(alnum, 32)],
  ["plaid", of(alnum, 24), of(alnum, 30), after("access-", KEY_CHARS.kebab, 44, 49)],
  ["postmark", UUID],
  ["privateai private_ai private-ai", of(alnum, 32)],
  ["rapidapi rapid_api", of(urlSafe, 50)],
  ["rollbar", of(hex, 32)],
  ["sambanova", UUID],
  ["scaleway scw_secret", UUID],
  ["sendbird", of(hex, 40), UUID],
  ["sentry", of(hex, 64)],
  ["shodan", of(alnum, 32)],
  ["snyk", UUID],
  ["sonar", of(padded, 40), after("squ_", padded, 40), after("sqp_", padded, 40), after("sqa_", padded, 40)],
  ["splunk", UUID],
  ["squarespace", UUID],
  ["sumo", after("su", alnum, 12), of(alnum, 64)],
  ["tencent", of(alnum, 32)],
  ["telegram telegr", { ...of(digit, 5, 16), tail: run(urlSafe, 35) }],
  ["together", of(hex, 64)],
  ["travis", of(urlSafe, 22)],
  ["trello", of(hex, 32), of(hex, 64)],
  ["twilio", of(hex, 32)],
  ["twitch", of(alnum, 30)],
  ["twitter", of(alnum, 25), of(alnum, 45), of(alnum, 50), of(KEY_CHARS.kebab, 36, 66)],
  ["vercel", of(alnum, 24)],
  ["wandb weights_and_biases", of(hex, 40)],
  ["wireguard", of(base64, 44)],
  ["yandex", after("AQVN", urlSafe, 35, 38), after("YC", urlSafe, 38)],
  ["zendesk", of(alnum, 40)],
  ["zoom", of(urlSafe, 22), of(alnum, 32)],
  ["vultr", of(upperDigit, 36)],
];

export type Vendor = { readonly name: string; readonly type: string; readonly shapes: readonly VendorShape[] };

let byPair: ReadonlyMap<number, readonly Vendor[]> | null = null;

/** The vendor that a name speaks of; null if none does, or if the name is that of something harmless. */
export function vendorOf(name: NameWindow, meter: { steps: number }): Vendor | null {
  byPair ??= vendorsByPair();
  const { words } = name;
  meter.steps += words.length;
  for (let at = 0; at + 1 < words.length; at += 1) {
    if (!isIn(words.charCodeAt(at), CHARS.lower)) continue;
    const vendors = byPair.get((words.charCodeAt(at) << 7) | words.charCodeAt(at + 1));
    const vendor = vendors?.find((one) => words.startsWith(one.name, at));
    if (vendor === undefined || !beginsWord(name, at, vendor.name)) continue;
    const rest = words.slice(at + vendor.name.length);
    meter.steps += rest.length;
    if (rest.length <= VENDOR_GAP_CHARS_MAX && !isHarmless(rest)) return vendor;
  }
  return null;
}

function vendorsByPair(): ReadonlyMap<number, readonly Vendor[]> {
  const table = new Map<number, Vendor[]>();
  for (const [names, ...shapes] of ROWS) {
    const [first = ""] = names.split(" ");
    for (const name of names.split(" ")) {
      const pair = (name.charCodeAt(0) << 7) | name.charCodeAt(1);
      table.set(pair, [...(table.get(pair) ?? []), { name, type: `${first.replaceAll("-", "_")}_key`, shapes }]);
    }
  }
  return table;
}

function beginsWord({ words, written }: NameWindow, at: number, name: string): boolean {
  if (name.length >= VENDOR_FREE_CHARS_MIN) return true;
  // "sumOf…" is no "sumo".
  for (let inner = at + 1; inner < at + name.length; inner += 1) {
    if (isIn(written.charCodeAt(inner), CHARS.upper) && isIn(written.charCodeAt(inner - 1), CHARS.lower)) return false;
  }
  if (at === 0 || !isIn(words.charCodeAt(at - 1), CHARS.alnum)) return true;
  return isIn(written.charCodeAt(at), CHARS.upper) && !isIn(written.charCodeAt(at - 1), CHARS.upper);
}

const HARMLESS_WORDS: readonly string[] = [
  "md5 sha1 sha256 sha512 sha_ _sha -sha hash checksum digest commit revision etag version trace span request event",
  "release integrity fingerprint image layer build uuid public cursor channel guild project_id team_id org_id user_id",
  "account_id app_id portal issue",
].flatMap((words) => words.split(" "));

function isHarmless(rest: string): boolean {
  return HARMLESS_WORDS.some((word) => rest.includes(word));
}

/** Does the value from `from` to `to` have the shape. */
export function hasShape(text: string, from: number, to: number, shape: VendorShape): boolean {
  const length = to - from - shape.prefix.length;
  if (length < shape.min || length > shape.max || !text.startsWith(shape.prefix, from)) return false;
  for (let at = from + shape.prefix.length; at < to; at += 1) if (!isIn(text.charCodeAt(at), shape.of)) return false;
  return !shape.isUuid || isUuid(text.slice(from, to));
}

function isUuid(value: string): boolean {
  return value.length === 36 && [8, 13, 18, 23].every((at) => value.charAt(at) === "-");
}

/** Of RFC 4122's and every encyclopedia's examples. */
const EXAMPLE_UUIDS: ReadonlySet<string> = new Set([
  "123e4567-e89b-12d3-a456-426614174000",
  "123e4567-e89b-12d3-a456-426655440000",
  "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
]);

/** Hexadecimal digits in the form of a UUID. */
export function isHexUuid(value: string): boolean {
  if (!isUuid(value)) return false;
  for (let at = 0; at < value.length; at += 1) if (!isIn(value.charCodeAt(at), hexKebab)) return false;
  return true;
}

/** One that a machine made: neither "00000000-…" nor a known example. */
export function isRealUuid(value: string): boolean {
  return isHexUuid(value) && !EXAMPLE_UUIDS.has(value.toLowerCase()) && new Set(value).size > UUID_CHARS_MIN;
}

/** Different characters of "11111111-2222-3333-4444-555555555555". */
const UUID_CHARS_MIN = 6;
