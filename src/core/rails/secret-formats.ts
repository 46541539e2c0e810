/**
 * The table of known key formats: a literal anchor, then runs of characters with their lengths, and what the body must
 * look like. To add a format, add a row; `secrets.ts` does the rest.
 *
 * Lengths are those that the vendors issue (checked against the public rules of secret scanners), with room where a
 * vendor has changed them before. Order matters where one anchor begins another: the longer one first.
 */
import { CHARS } from "./char-class.ts";

/** A run of `min` to `max` characters of a set, which must not go on beyond; or a literal between two runs. */
export type Segment = string | { readonly of: number; readonly min: number; readonly max: number };

export type SecretFormat = {
  readonly type: string;
  /** Must not follow a letter or a digit, if it begins with one. */
  readonly anchor: string;
  readonly segments: readonly [{ readonly of: number; readonly min: number; readonly max: number }, ...Segment[]];
  /** Least Shannon entropy of what follows the anchor, bits per character. 3 keeps out "xxxx…" and counting patterns. */
  readonly entropyMin: number;
  /** Also ask for the frequent changes between digits, capitals and small letters that words do not have. */
  readonly random: boolean;
  /** The finding is what follows the anchor, because the anchor is a name and not part of the key. */
  readonly valueOnly: boolean;
};

type Options = { readonly entropyMin?: number; readonly random?: boolean; readonly valueOnly?: boolean };

const ENTROPY_MIN = 3;

function run(of: number, min: number, max: number = min): { of: number; min: number; max: number } {
  return { of, min, max };
}

function rows(
  type: string,
  anchors: readonly string[],
  segments: SecretFormat["segments"],
  { entropyMin = ENTROPY_MIN, random = false, valueOnly = false }: Options = {},
): SecretFormat[] {
  return anchors.map((anchor) => ({ type, anchor, segments, entropyMin, random, valueOnly }));
}

const RANDOM: Options = { random: true };

const { alnum, base64, hex, kebab, lowerKebab, upperDigit, urlSafe, urlSafeDotted, word } = CHARS;

export const SECRET_FORMATS: readonly SecretFormat[] = [
  ...rows("openai_key", ["sk-proj-", "sk-svcacct-", "sk-admin-", "sk-None-"], [run(urlSafe, 40, 220)], RANDOM),
  ...rows("anthropic_key", ["sk-ant-"], [run(urlSafe, 32, 200)], RANDOM),
  ...rows("openrouter_key", ["sk-or-v1-"], [run(hex, 64)]),
  // Also the form that many OpenAI-compatible vendors issue.
  ...rows("openai_key", ["sk-"], [run(urlSafe, 20, 200)], RANDOM),
  ...rows("aws_access_key_id", ["AKIA", "ASIA", "ABIA", "ACCA"], [run(upperDigit, 16)]),
  ...rows("github_token", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], [run(alnum, 36, 255)]),
  ...rows("github_token", ["github_pat_"], [run(word, 60, 255)]),
  ...rows("gitlab_token", ["glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"], [run(urlSafe, 20, 300)]),
  ...rows("slack_token", ["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"], [run(kebab, 20, 250)]),
  ...rows("slack_token", ["xapp-"], [run(kebab, 40, 250)]),
  ...rows(
    "slack_webhook",
    ["hooks.slack.com/services/"],
    [run(alnum, 8, 14), "/", run(alnum, 8, 14), "/", run(alnum, 20, 32)],
  ),
  ...rows("stripe_key", ["sk_live_", "rk_live_", "sk_test_", "rk_test_"], [run(alnum, 16, 247)]),
  ...rows("stripe_webhook_secret", ["whsec_"], [run(base64, 32, 128)]),
  ...rows("google_api_key", ["AIza"], [run(urlSafe, 35)]),
  ...rows("google_oauth_secret", ["GOCSPX-"], [run(urlSafe, 28)]),
  ...rows("google_oauth_token", ["ya29."], [run(urlSafe, 40, 1024)], RANDOM),
  ...rows("huggingface_token", ["hf_", "api_org_"], [run(alnum, 34, 40)]),
  ...rows("npm_token", ["npm_"], [run(alnum, 36)]),
  ...rows("pypi_token", ["pypi-AgE"], [run(urlSafe, 50, 1024)]),
  ...rows("sendgrid_key", ["SG."], [run(urlSafe, 22), ".", run(urlSafe, 43)]),
  ...rows("sendgrid_key", ["SG."], [run(urlSafeDotted, 66)]),
  ...rows("twilio_key", ["SK"], [run(hex, 32)]),
  ...rows("runpod_key", ["rpa_"], [run(alnum, 32, 64)]),
  ...rows("groq_key", ["gsk_"], [run(alnum, 40, 64)]),
  ...rows("xai_key", ["xai-"], [run(alnum, 60, 100)]),
  ...rows("perplexity_key", ["pplx-"], [run(alnum, 40, 64)]),
  ...rows("replicate_token", ["r8_"], [run(alnum, 36, 44)]),
  ...rows("nvidia_key", ["nvapi-"], [run(urlSafe, 56, 80)], RANDOM),
  ...rows("digitalocean_token", ["dop_v1_", "doo_v1_", "dor_v1_"], [run(hex, 64)]),
  ...rows("shopify_token", ["shpat_", "shpca_", "shppa_", "shpss_"], [run(hex, 32)]),
  ...rows("azure_account_key", ["AccountKey=", "SharedAccessKey="], [run(base64, 43, 88)], { valueOnly: true }),
  // wp_<key id>_<secret>
  ...rows("warmpath_key", ["wp_"], [run(lowerKebab, 1, 32), "_", run(urlSafe, 32, 128)], RANDOM),
  // Header and payload are JSON objects; without a signature it is no credential.
  ...rows("jwt", ["eyJ"], [run(urlSafe, 14, 2048), ".eyJ", run(urlSafe, 10, 16_384), ".", run(urlSafe, 20, 8192)], {
    entropyMin: 0,
  }),
];
