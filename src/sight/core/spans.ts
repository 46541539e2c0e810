/**
 * Makes spans of a record, as OTLP/HTTP writes them in JSON: one of the kind SERVER for the request, and one of the kind CLIENT
 * for each of its attempts. The endpoint's own span hangs under the attempt, whose id it was sent (`span-id.ts`).
 *
 * Model. Pure: a record is all there is, so that what was exported can be made again. What is not known is left out. A request
 * that was not served has the status ERROR, unless it was the client's own fault or its own wish (OpenTelemetry's rule for
 * servers); an attempt that was lost has it, unless it was only not needed any more.
 * Source: opentelemetry-proto, trace.proto and its JSON mapping: ids as hex, 64-bit integers as decimal strings, enums as numbers.
 * Rejected: OpenTelemetry's SDK, which weighs more than the router and keeps its state where a Worker has none.
 */
import type { AttemptLoss, AttemptRecord, RequestOutcome, RequestRecord } from "./record.ts";
import { attemptSpanId } from "./span-id.ts";
import { PROVIDER } from "./metric-names.ts";
import { SPAN } from "./span-names.ts";

const KIND = { server: 2, client: 3 } as const;
const ERROR = 2;
/** As the record has a method that no server knows. */
const OTHER_METHOD = "other";

type Value =
  | { readonly stringValue: string }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly boolValue: boolean };
type Attribute = { readonly key: string; readonly value: Value };

type Span = {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code?: number };
};

/** The body of an export. Of requests that are in no trace nothing. */
export function exportOf(records: readonly RequestRecord[], version: string) {
  return {
    resourceSpans: [
      {
        resource: {
          attributes: attributesOf([
            ["service.name", "warmpath"],
            ["service.version", version],
          ]),
        },
        scopeSpans: [{ scope: { name: "warmpath" }, spans: records.flatMap(spansOf) }],
      },
    ],
  };
}

function spansOf(record: RequestRecord): readonly Span[] {
  const { traceId, span, atMs, attempts } = record;
  if (traceId === null || span === null) return [];
  const own: Span = {
    traceId,
    spanId: span.id,
    ...(span.parentId === null ? {} : { parentSpanId: span.parentId }),
    name: `${record.method === OTHER_METHOD ? "HTTP" : record.method} ${record.route}`,
    kind: KIND.server,
    ...between(atMs, atMs + record.ms.total),
    attributes: attributesOf(ofRequest(record)),
    status: BY_OUTCOME[record.outcome] ? { code: ERROR } : {},
  };
  return [
    own,
    ...attempts.map((attempt, nth): Span => ({
      traceId,
      spanId: attemptSpanId(span.id, nth),
      parentSpanId: span.id,
      // The convention's: operation and model.
      name: `${record.operation ?? record.method} ${record.model ?? attempt.endpoint}`,
      kind: KIND.client,
      ...between(atMs + attempt.sentMs, atMs + attempt.endedMs),
      attributes: attributesOf(ofAttempt(record, attempt)),
      status: attempt.lost !== null && BY_LOSS[attempt.lost] ? { code: ERROR } : {},
    })),
  ];
}

/** Seconds are fractions, also where they are whole: a receiver keeps one type for a name. */
type Seconds = { readonly seconds: number };
type Named = readonly [name: string, value: string | number | boolean | Seconds | null];

function ofRequest(record: RequestRecord): readonly Named[] {
  const { ms } = record;
  return [
    [SPAN.method, record.method === OTHER_METHOD ? "_OTHER" : record.method],
    [SPAN.route, record.route],
    [SPAN.status, record.status === 0 ? null : record.status],
    [SPAN.errorType, BY_OUTCOME[record.outcome] ? record.reason : null],
    [SPAN.refusal, record.reason],
    [SPAN.requestId, record.id],
    [SPAN.tenant, record.tenant],
    [SPAN.pool, record.pool],
    [SPAN.priority, record.priority],
    [SPAN.outcome, record.outcome],
    [SPAN.endpoint, record.endpoint],
    [SPAN.region, record.region],
    [SPAN.why, record.why],
    [SPAN.queueMs, ms.queue],
    [SPAN.railsMs, ms.rails],
    [SPAN.costMicros, record.costMicros],
  ];
}

function ofAttempt(record: RequestRecord, attempt: AttemptRecord): readonly Named[] {
  const { operation } = record;
  const isAnswer = attempt.lost === null;
  const { firstByteMs, sentMs } = attempt;
  const first = firstByteMs === null || !record.stream ? null : { seconds: Math.max(0, firstByteMs - sentMs) / 1_000 };
  return [
    [SPAN.operation, operation],
    [SPAN.provider, operation === null ? null : PROVIDER],
    [SPAN.model, record.model],
    [SPAN.stream, record.stream],
    [SPAN.endpoint, attempt.endpoint],
    [SPAN.region, attempt.region],
    [SPAN.why, attempt.why],
    [SPAN.hedge, attempt.hedge],
    [SPAN.status, attempt.status],
    [SPAN.lost, attempt.lost],
    [SPAN.errorType, attempt.lost !== null && BY_LOSS[attempt.lost] ? attempt.lost : null],
    [SPAN.firstChunk, first],
    [SPAN.inputTokens, isAnswer ? record.tokens.in : null],
    [SPAN.cachedTokens, isAnswer ? record.tokens.cached : null],
    [SPAN.outputTokens, isAnswer ? record.tokens.out : null],
  ];
}

/** Is it an error of the server's. */
const BY_OUTCOME: Readonly<Record<RequestOutcome, boolean>> = {
  served: false,
  blocked: false,
  refused: false,
  cancelled: false,
  shed: true,
  no_endpoint: true,
  expired: true,
  upstream_failed: true,
};

/** Is it an error of the endpoint's. */
const BY_LOSS: Readonly<Record<AttemptLoss, boolean>> = {
  no_room: true,
  credential_refused: true,
  server_error: true,
  connection_failed: true,
  unreachable: true,
  timeout: true,
  late: true,
  cut: true,
  silent: true,
  too_long: true,
  overtaken: false,
  cancelled: false,
  put_back: false,
  left: false,
};

const between = (fromMs: number, toMs: number) => ({
  startTimeUnixNano: nanos(fromMs),
  endTimeUnixNano: nanos(Math.max(fromMs, toMs)),
});

/** Beyond what a number holds. */
const nanos = (ms: number): string => `${Math.round(ms)}000000`;

function attributesOf(named: readonly Named[]): readonly Attribute[] {
  return named.flatMap(([key, value]) => (value === null ? [] : [{ key, value: valueOf(value) }]));
}

function valueOf(value: Exclude<Named[1], null>): Value {
  if (typeof value === "object") return { doubleValue: value.seconds };
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
