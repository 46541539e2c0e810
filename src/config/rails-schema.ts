/**
 * Decides what may be written under `pools.*.rails` in `warmpath.jsonc`: the rails of both stages, their options, and
 * what each does unless the file says otherwise.
 *
 * Model: as in `config-schema.ts`. One object for each `use`, told apart by that name; what every rail has is
 * written once. Whether the operator's patterns and JSON schemas compile is not known here: the libraries
 * that can tell are loaded only where a pool uses them, and a pool whose rails cannot be made refuses every
 * request (`src/rails/stage.ts`).
 * Rejected: one loose object with options of any kind, in which a misspelt option silently switches a check off.
 */
import * as z from "zod";
import { SIZE_CHARS_MAX, SIZE_MESSAGES_MAX } from "../rails/detectors/size/size.ts";
import {
  BODY_BYTES_MAX,
  RAIL_LIST_MAX,
  RAIL_SAMPLE_MIN,
  RAIL_TENANTS_MAX,
  RAIL_TIMEOUT_MS_MAX,
  RAILS_PER_STAGE_MAX,
} from "./config-bounds.ts";

/** In headers and reasons, joined with "+" where spans merge. */
const RAIL_NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const SECRET_NAME = /^[A-Z][A-Z0-9_]{0,63}$/;
const int = (min: number, max: number) => z.int().min(min).max(max);

/** Longest wait for a rail unless the file says otherwise, ms: one that runs here is stuck, one elsewhere is slow. */
export const INSIDE_TIMEOUT_MS = 250;
export const OUTSIDE_TIMEOUT_MS = 1_000;

const common = {
  name: z
    .string()
    .regex(RAIL_NAME, { error: "use 1 to 32 of a-z 0-9 _ -, starting with a letter or a digit" })
    .optional()
    .describe("Name in headers, reasons and errors, unique in its stage. Default: the value of use."),
  action: z
    .enum(["flag", "redact", "block"])
    .optional()
    .describe("What a finding does. Default: docs/reference/guardrails.md has the table."),
  timeoutMs: int(1, RAIL_TIMEOUT_MS_MAX)
    .optional()
    .describe(
      "Longest the rail may take from the start of its stage, ms, 1 to 30000. Default 250, external rails 1000.",
    ),
  onError: z
    .enum(["open", "closed"])
    .optional()
    .describe(
      'When the rail fails or times out: "open" lets the request through, "closed" refuses it. Default: closed if the action is block.',
    ),
  onMedia: z
    .enum(["open", "closed"])
    .optional()
    .describe(
      'When all was read but images, sound, video or documents: "open" lets them through and records not_read, "closed" refuses them with 415. Default: as onError where that is written, else open, because a rail of texts would refuse every picture.',
    ),
  shadow: z.boolean().default(false).describe("Record the verdict, never act on it. Default false."),
  sample: z
    .number()
    .min(RAIL_SAMPLE_MIN)
    .max(1)
    .default(1)
    .describe("Share of requests that the rail looks at, 0 to 1, chosen by a hash of the request id. Default 1."),
  tenants: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(RAIL_TENANTS_MAX)
    .optional()
    .describe("Only for requests of these tenants. Default: of all."),
};

const rail = <const Use extends string, Options extends z.ZodType>(use: Use, what: string, options: Options) =>
  z.strictObject({ use: z.literal(use).describe(what), ...common, options });

const none = z.strictObject({}).prefault({}).describe("This rail has no options.");
const words = (what: string) => z.array(z.string().min(1).max(256)).max(RAIL_LIST_MAX).describe(what);
const url = z.string().min(1).max(2000);
const plainHttp = z.boolean().default(false).describe("Allow http to a public host. Default false.");
const secret = z
  .string()
  .regex(SECRET_NAME, { error: 'write the NAME of a secret, such as "RAIL_KEY", never the secret itself' });
const model = z.string().min(1).max(200);
const share = z.number().min(0).max(1);

const size = z
  .strictObject({
    charsMax: int(1, BODY_BYTES_MAX)
      .default(SIZE_CHARS_MAX)
      .describe(
        "Text the model would see, characters, 1 to 31457280. Default 2000000, about 500000 tokens. Media are not text.",
      ),
    messagesMax: int(1, 100_000)
      .default(SIZE_MESSAGES_MAX)
      .describe("Messages in one request, 1 to 100000. Default 10000."),
  })
  .prefault({})
  .describe("Bounds of the size rail.");

const tokens = z
  .strictObject({
    tokensMax: int(1, BODY_BYTES_MAX).describe("Tokens of all texts, by an upper estimate, 1 to 31457280."),
  })
  .describe("Options of the tokens rail.");

const pii = z
  .strictObject({
    entities: z
      .array(z.enum(["card", "phone", "email", "iban", "ssn", "ip", "itin", "nino", "mac", "wallet"]))
      .min(1)
      .max(10)
      .default(["card", "phone", "email", "iban", "ssn", "ip"])
      .describe("What to look for. Default: all but itin, nino, mac and wallet."),
    restore: z
      .boolean()
      .default(false)
      .describe("Put the originals back where the answer repeats their placeholders. Default false."),
  })
  .prefault({})
  .describe("Options of the pii rail.");

const outputPii = z.strictObject({ entities: pii.unwrap().shape.entities }).prefault({}).describe("Options of pii.");

const injection = z
  .strictObject({
    threshold: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.5)
      .describe(
        "Score from which a text is an injection, above 0, below 1. Default 0.5: docs/explanation/injection-model.md.",
      ),
    operatorThreshold: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.99)
      .describe("The same for system prompts and tool definitions. Default 0.99: they are orders by nature."),
    rolesIgnored: words("Roles whose texts are not read. Default none.").default([]),
  })
  .prefault({})
  .describe("Options of the injection rail.");

const topics = z
  .strictObject({
    topics: z
      .record(z.string().regex(RAIL_NAME, { error: "use 1 to 32 of a-z 0-9 _ -" }), words("Its words and phrases."))
      .describe("Banned words and phrases by the name of their topic."),
  })
  .describe("Options of the topics rail.");

const regex = z
  .strictObject({
    patterns: z
      .array(
        z.strictObject({
          name: z
            .string()
            .regex(/^[a-z0-9_-]{1,64}$/, { error: "use 1 to 64 of a-z 0-9 _ -" })
            .describe("Names the finding."),
          pattern: z.string().min(1).max(1024).describe("RE2 syntax: no back references, no looking around."),
          flags: z
            .string()
            .regex(/^[ims]{0,3}$/, { error: "use i (any case), m (^ and $ at lines) and s (. matches a line break)" })
            .default("")
            .describe('Of "i", "m" and "s". Default none.'),
        }),
      )
      .min(1)
      .max(64)
      .describe("Your patterns, 1 to 64."),
  })
  .describe("Options of the regex rail.");

const profanity = z
  .strictObject({ allow: words("Words to let pass, in lower case. Default none.").default([]) })
  .prefault({})
  .describe("Options of the profanity rail.");

const schema = z
  .strictObject({
    schema: z
      .record(z.string(), z.unknown())
      .describe(
        "JSON schema, draft 2020-12, references inside it only. On input: of the body; on output: of the answer.",
      ),
  })
  .describe("Options of the schema rail.");

const linkRule = z.enum(["unlisted", "carrying"]);
const links = z
  .strictObject({
    allow: words("Hosts that may be linked to: names, or *.example.com. Default none.").default([]),
    images: linkRule
      .default("unlisted")
      .describe('What loads by itself: "unlisted" finds all of it, "carrying" what carries data. Default "unlisted".'),
    links: linkRule.default("carrying").describe('The same for what must be clicked. Default "carrying".'),
  })
  .prefault({})
  .describe("Options of the links rail.");

const canary = z
  .strictObject({
    token: z
      .string()
      .min(12)
      .max(200)
      .optional()
      .describe("A random string that stands in your system prompt; at least 12 letters and digits. Default none."),
    texts: z
      .array(z.string().min(1).max(100_000))
      .max(16)
      .default([])
      .describe("Hidden texts beside the request's own system prompt, which is always compared. Default none."),
  })
  .prefault({})
  .describe("Options of the canary rail.");

const moderation = z
  .strictObject({
    url: url.describe("Whole URL of an endpoint that answers as OpenAI's /v1/moderations does."),
    allowPlainHttp: plainHttp,
    secret: secret.optional().describe("Name of the secret that is sent as a bearer token. Default: none is sent."),
    model: model.optional().describe("Its model. Default: the service's own."),
    categories: z
      .record(z.string().min(1).max(64), share)
      .optional()
      .describe("Score from which a category is a finding, by its name. Default: what the service calls flagged."),
  })
  .describe("Options of the moderation rail.");

const llamaGuard = z
  .strictObject({
    pool: z
      .string()
      .optional()
      .describe("Id of the pool that serves the guard. Give pool or binding. Default: the binding."),
    binding: z
      .literal("AI")
      .optional()
      .describe('The Workers AI binding of wrangler.toml, "AI". Default: a pool is asked.'),
    model: model.describe('Model name, such as "@cf/meta/llama-guard-3-8b".'),
    categories: words("Hazard codes that count, such as S1. Default: all.").optional(),
  })
  .describe("Options of the llama-guard rail.");

const webhook = z
  .strictObject({
    url: url.describe("Where to POST the texts; docs/reference/guardrails.md has the wire format."),
    allowPlainHttp: plainHttp,
    secret: secret
      .optional()
      .describe("Name of the secret that signs the request by Standard Webhooks, whsec_… Default: no signature."),
  })
  .describe("Options of the webhook rail.");

const key = (what: string) => secret.describe(`Name of the secret that holds ${what}.`);

const azureUrl = url.describe("Of the Azure AI Content Safety resource, https://NAME.cognitiveservices.azure.com.");
const azureContentSafety = z
  .strictObject({
    url: azureUrl,
    allowPlainHttp: plainHttp,
    secret: key("a key of the resource"),
    categories: z
      .partialRecord(z.enum(["Hate", "SelfHarm", "Sexual", "Violence"]), int(1, 7))
      .optional()
      .describe("Severity from which a category is a finding, 1 to 7. Default: 4, medium, for all four."),
    blocklists: z
      .array(z.string().min(1).max(64))
      .min(1)
      .max(10)
      .optional()
      .describe("Names of blocklists of the resource. Default none."),
  })
  .describe("Options of the azure-content-safety rail.");

const azurePromptShields = z
  .strictObject({ url: azureUrl, allowPlainHttp: plainHttp, secret: key("a key of the resource") })
  .describe("Options of the azure-prompt-shields rail.");

const bedrock = z
  .strictObject({
    url: url.describe("Of Bedrock in your region, https://bedrock-runtime.REGION.amazonaws.com."),
    allowPlainHttp: plainHttp,
    secret: key("a Bedrock API key, sent as a bearer token"),
    guardrail: z.string().min(1).max(2048).describe("Id or ARN of the guardrail."),
    version: z
      .string()
      .regex(/^(?:[1-9]\d{0,7}|DRAFT)$/, { error: 'use the number of a version, or "DRAFT"' })
      .describe('Its version, "1" or "DRAFT".'),
  })
  .describe("Options of the bedrock-guardrails rail.");

const modelArmor = z
  .strictObject({
    url: url.describe("Of Model Armor in your location, https://modelarmor.LOCATION.rep.googleapis.com."),
    allowPlainHttp: plainHttp,
    secret: key("the JSON key of a service account, or an access token"),
    template: z
      .string()
      .regex(/^projects\/[^/?#]+\/locations\/[^/?#]+\/templates\/[^/?#]+$/, {
        error: "write projects/PROJECT/locations/LOCATION/templates/TEMPLATE",
      })
      .describe("Its template, projects/PROJECT/locations/LOCATION/templates/TEMPLATE."),
  })
  .describe("Options of the model-armor rail.");

const presidio = z
  .strictObject({
    url: url.describe("Of Presidio's analyzer, without /analyze."),
    allowPlainHttp: plainHttp,
    secret: secret.optional().describe("Name of the secret that is sent as a bearer token. Default: none is sent."),
    language: z.string().min(2).max(8).default("en").describe('Language of the texts. Default "en".'),
    entities: z
      .array(z.string().min(1).max(64))
      .min(1)
      .max(100)
      .optional()
      .describe("Its entities, such as PERSON. Default: all that it knows."),
    scoreMin: share.optional().describe("Least score of a finding, 0 to 1. Default: the service's own."),
  })
  .describe("Options of the presidio rail.");

/** A rail over the request, written out. A name alone means the same with every default. */
export const InputRailSchema = z.discriminatedUnion("use", [
  rail("size", "Bounds the text and the number of messages.", size),
  rail("tokens", "Bounds the tokens.", tokens),
  rail("secrets", "Finds credentials.", none),
  rail("pii", "Finds personal data.", pii),
  rail("injection", "Finds prompt injections and jailbreaks.", injection),
  rail("unicode", "Finds invisible and disguised characters.", none),
  rail("topics", "Finds banned words and phrases.", topics),
  rail("regex", "Finds your patterns, by RE2.", regex),
  rail("profanity", "Finds swear words and slurs.", profanity),
  rail("schema", "The body must keep a JSON schema.", schema),
  rail("links", "Finds links that could carry data out.", links),
  rail("moderation", "Asks a moderation service.", moderation),
  rail("llama-guard", "Asks a Llama Guard model.", llamaGuard),
  rail("webhook", "Asks a service of yours.", webhook),
  rail("azure-content-safety", "Asks Azure AI Content Safety for harmful text.", azureContentSafety),
  rail("azure-prompt-shields", "Asks Azure AI Content Safety for attacks.", azurePromptShields),
  rail("bedrock-guardrails", "Asks a guardrail of Amazon Bedrock.", bedrock),
  rail("model-armor", "Asks Google Cloud's Model Armor.", modelArmor),
  rail("presidio", "Asks Presidio's analyzer for personal data.", presidio),
]);

/** A rail over the answer, written out. */
export const OutputRailSchema = z.discriminatedUnion("use", [
  rail("secrets", "Finds credentials.", none),
  rail("pii", "Finds personal data.", outputPii),
  rail("links", "Finds links that could carry data out.", links),
  rail("topics", "Finds banned words and phrases.", topics),
  rail("regex", "Finds your patterns, by RE2.", regex),
  rail("profanity", "Finds swear words and slurs.", profanity),
  rail("unicode", "Finds invisible and disguised characters.", none),
  rail("canary", "Finds pieces of the hidden prompt.", canary),
  rail("schema", "The answer must be JSON that keeps a schema.", schema),
]);

export const INPUT_RAILS = InputRailSchema.options.map((option) => option.shape.use.value);
export const OUTPUT_RAILS = OutputRailSchema.options.map((option) => option.shape.use.value);

/** Rails of a pool that names none. */
const INPUT_DEFAULT = ["size", "secrets"] as const;

export const RailsSchema = z.strictObject({
  input: z
    .array(z.union([z.enum(INPUT_RAILS), InputRailSchema]))
    .max(RAILS_PER_STAGE_MAX)
    .default([...INPUT_DEFAULT])
    .describe('Rails over the request, all in parallel: names, or objects with `use`. Default ["size", "secrets"].'),
  output: z
    .array(z.union([z.enum(OUTPUT_RAILS), OutputRailSchema]))
    .max(RAILS_PER_STAGE_MAX)
    .default([])
    .describe("Rails over the answer, streams included: names, or objects with `use`. Default []."),
  overlap: z
    .enum(["acquire", "dispatch"])
    .default("acquire")
    .describe(
      'What runs beside the input rails: "acquire", getting a lease; "dispatch", also the request itself, whose answer is held back until the verdict. Default "acquire": the endpoint sees nothing that a rail refuses.',
    ),
  deadlineMs: int(1, RAIL_TIMEOUT_MS_MAX)
    .default(5_000)
    .describe("Longest the input rails may take together, ms, 1 to 30000. Default 5000."),
  sockets: z
    .enum(["refuse", "unread"])
    .default("refuse")
    .describe(
      'WebSockets to a pool with rails, none of which can read what is said there: "refuse" them, "unread" lets them through and records each rail as not_read. Default "refuse".',
    ),
});

export type RawInputRail = z.output<typeof InputRailSchema>;
export type RawOutputRail = z.output<typeof OutputRailSchema>;
