/** Key formats of AI providers, payment, chat, e-mail and marketing; see `secret-formats.ts`. */
import { KEY_CHARS, RANDOM, rows, run, SHORT } from "./secret-chars.ts";
import type { SecretFormat } from "./secret-chars.ts";

const { alnum, base64, digit, escaped, hex, hexKebab, kebab } = KEY_CHARS;
const { padded, urlSafe, urlSafeDotted, word } = KEY_CHARS;

const AI_FORMATS: readonly SecretFormat[] = [
  ...rows("openai_key", "sk-proj- sk-svcacct- sk-admin- sk-None-", [run(urlSafe, 40, 220)], RANDOM),
  // Of exactly this length it is one, even if somebody counted on.
  ...rows("anthropic_key", "sk-ant-api03- sk-ant-admin01-", [run(urlSafe, 95)], { countingMax: 0.85 }),
  ...rows("anthropic_key", "sk-ant-", [run(urlSafe, 32, 200)], RANDOM),
  ...rows("openrouter_key", "sk-or-v1-", [run(hex, 64)]),
  ...rows("langfuse_key", "sk-lf-", [run(hexKebab, 36)]),
  // Also the form that many OpenAI-compatible vendors issue.
  ...rows("openai_key", "sk-", [run(urlSafe, 20, 200)], { ...RANDOM, not: "or-v1-" }),
  ...rows("huggingface_token", "hf_ api_org_", [run(alnum, 34, 40)], { ...RANDOM, unnamed: true }),
  ...rows("runpod_key", "rpa_", [run(alnum, 32, 64)]),
  ...rows("groq_key", "gsk_", [run(alnum, 40, 64)]),
  ...rows("xai_key", "xai-", [run(alnum, 60, 100)]),
  ...rows("perplexity_key", "pplx-", [run(alnum, 40, 64)]),
  ...rows("replicate_token", "r8_", [run(alnum, 36, 44)]),
  ...rows("nvidia_key", "nvapi-", [run(urlSafe, 56, 80)], RANDOM),
  ...rows("together_key", "tgp_v1_", [run(urlSafe, 40, 50)]),
  ...rows("fireworks_key", "fw_", [run(alnum, 22, 28)], RANDOM),
  ...rows("cerebras_key", "csk-", [run(alnum, 40, 56)], RANDOM),
  ...rows("pinecone_key", "pcsk_", [run(alnum, 5, 6), "_", run(alnum, 63)]),
  ...rows("jina_key", "jina_", [run(urlSafe, 50, 72)], RANDOM),
  ...rows("tavily_key", "tvly- tvly-dev- tvly-prod-", [run(urlSafe, 24, 64)], RANDOM),
  ...rows("firecrawl_key", "fc-", [run(hex, 32)]),
  ...rows("e2b_key", "e2b_", [run(hex, 40)]),
  ...rows("voyage_key", "pa-", [run(urlSafe, 43)], RANDOM),
  ...rows("modal_key", "ak- as-", [run(alnum, 22)], RANDOM),
  ...rows("elevenlabs_key", "sk_", [run(hex, 48)]),
  ...rows("langsmith_key", "lsv2_pt_ lsv2_sk_", [run(hex, 32), "_", run(hex, 10)]),
  ...rows("wandb_key", "wandb_v1_", [run(word, 60, 100)]),
  ...rows("apify_token", "apify_api_", [run(alnum, 36)]),
  ...rows("browserbase_key", "bb_live_", [run(urlSafe, 24, 48)], RANDOM),
  ...rows("cursor_key", "crsr_ key_", [run(hex, 64)]),
  // wp_<key id>_<secret>
  ...rows("warmpath_key", "wp_", [run(KEY_CHARS.lowerKebab, 1, 32), "_", run(urlSafe, 32, 128)], RANDOM),
];

const PAYMENT_FORMATS: readonly SecretFormat[] = [
  ...rows("stripe_key", "sk_live_ rk_live_ sk_test_ rk_test_ sk_prod_ rk_prod_", [run(alnum, 16, 247)]),
  ...rows("stripe_key", "sk_live_ rk_live_ sk_test_ rk_test_", [run(alnum, 10, 15)], { entropyMin: 2 }),
  ...rows("webhook_secret", "v1_whsec_", [run(base64, 32, 128)]),
  ...rows("stripe_webhook_secret", "whsec_", [run(base64, 32, 128)]),
  ...rows("square_token", "EAAA", [run(urlSafe, 22, 64)], RANDOM),
  ...rows("square_token", "sq0atp- sq0csp- sq0idp-", [run(urlSafe, 22, 64)]),
  ...rows("razorpay_key", "rzp_live_ rzp_test_", [run(alnum, 14)], SHORT),
  ...rows("paypal_token", "access_token$production$ access_token$sandbox$", [run(alnum, 16), "$", run(hex, 32)]),
  ...rows("plaid_token", "access-sandbox- access-development- access-production-", [run(hexKebab, 36)]),
  ...rows("paddle_key", "pdl_live_apikey_ pdl_sdbx_apikey_", [run(word, 40, 80)]),
  ...rows("flutterwave_key", "FLWSECK_TEST- FLWSECK- FLWPUBK_TEST-", [run(alnum, 32), "-X"]),
  ...rows("flutterwave_key", "FLWSECK_TEST-", [run(alnum, 12)], { entropyMin: 2 }),
  ...rows("shopify_token", "shpat_ shpca_ shppa_ shpss_", [run(hex, 32)]),
  ...rows("easypost_key", "EZAK EZTK", [run(alnum, 54)]),
  ...rows("shippo_token", "shippo_live_ shippo_test_", [run(hex, 40)]),
  ...rows("duffel_token", "duffel_live_ duffel_test_", [run(padded, 43)]),
];

const MESSAGE_FORMATS: readonly SecretFormat[] = [
  ...rows("slack_token", "xoxe.xoxb- xoxe.xoxp-", [run(kebab, 20, 250)], SHORT),
  ...rows("slack_token", "xoxb- xoxc- xoxe- xoxo- xoxp- xoxs-", [run(kebab, 20, 250)], SHORT),
  ...rows("slack_token", "xoxa- xoxr-", [run(kebab, 8, 250)], { entropyMin: 2 }),
  ...rows("slack_token", "xoxd-", [run(escaped, 40, 400)]),
  ...rows("slack_token", "xapp-", [run(kebab, 18, 250)], SHORT),
  ...rows("slack_webhook", "hooks.slack.com/services/", [
    run(alnum, 8, 14),
    "/",
    run(alnum, 8, 14),
    "/",
    run(alnum, 20, 32),
  ]),
  ...rows("slack_webhook", "hooks.slack.com/services/ hooks.slack.com/workflows/ hooks.slack.com/triggers/", [
    run(base64, 40, 90),
  ]),
  ...rows("teams_webhook", "webhook.office.com/webhookb2/", [
    run(KEY_CHARS.kebab, 36),
    "@",
    run(kebab, 36),
    "/IncomingWebhook/",
    run(alnum, 32),
    "/",
    run(kebab, 36),
  ]),
  ...rows("discord_webhook", "discord.com/api/webhooks/ discordapp.com/api/webhooks/", [
    run(digit, 17, 20),
    "/",
    run(urlSafe, 60, 80),
  ]),
  ...rows("twilio_key", "SK", [run(hex, 32)]),
  ...rows("facebook_token", "EAAB EAAC EAAD EAAG EAAI EAAJ EAAL EAAM", [run(alnum, 100, 400)]),
  ...rows("instagram_token", "IGQV IGAA", [run(urlSafe, 100, 300)]),
  ...rows("twitter_bearer", "AAAAAAAAAAAAAAAAAAAAAA", [run(KEY_CHARS.alnumPercent, 80, 100)]),
  ...rows("sendgrid_key", "SG.", [run(urlSafe, 22), ".", run(urlSafe, 43)]),
  ...rows("sendgrid_key", "SG.", [run(urlSafeDotted, 66)]),
  ...rows("brevo_key", "xkeysib- xsmtpsib-", [run(hex, 64), "-", run(alnum, 16)]),
  ...rows("resend_key", "re_", [run(alnum, 8), "_", run(alnum, 24)], RANDOM),
  ...rows("mailersend_key", "mlsn.", [run(alnum, 64)]),
  ...rows("hubspot_token", "pat-na1- pat-na2- pat-eu1- pat-ap1-", [run(hexKebab, 36)]),
];

export const APP_FORMATS: readonly SecretFormat[] = [...AI_FORMATS, ...PAYMENT_FORMATS, ...MESSAGE_FORMATS];
