/**
 * The port of a rail that asks somebody outside, and the one way in which such rails call over HTTP.
 *
 * An answer is believed only if it is one: any status but 2xx, a body that is too long or no JSON, a redirect, a closed
 * connection are failures, and the rail's rule for failures applies. A connection that breaks at once is asked once
 * more: a server that closes an idle one as the question comes looks like that, and to ask twice changes nothing.
 */
import { callService } from "../../../backends/egress.ts";
import { readWhole } from "../../wire/read-body.ts";
import type { OutsideAnswer } from "../core/outside-answers.ts";
import type { RailInput } from "../core/rail.ts";
import type { RailsHost } from "../check.ts";

/** Verdicts and spans of a thousand findings fit. */
export const OUTSIDE_ANSWER_BYTES_MAX = 65_536;

export type OutsideAsk = {
  readonly host: RailsHost;
  readonly pool: string;
  readonly requestId: string;
  readonly tenant: string;
  /** What the inside rails had redacted is masked, character by character. */
  readonly input: RailInput;
  /** Aborted when the rail has no time left, or is not needed any more. */
  readonly signal: AbortSignal;
};

/** Rejects when there is no answer that can be believed. */
export type OutsideRail = (ask: OutsideAsk) => Promise<OutsideAnswer>;

/** Calls of one rail about one request, one after the other: a request whose texts need more is not judged. */
export const OUTSIDE_CALLS_MAX = 8;

/** A connection that broke within this without an answer was most likely idle, and closed as the question came, ms. */
const STALE_MS = 1_000;

export type Question = {
  /** Sent as a bearer token; null or absent: none is. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
  /** Of the answer. Default OUTSIDE_ANSWER_BYTES_MAX. */
  readonly bytesMax?: number;
};

/** The answer, parsed. Rejects if there is none: then the service has failed, and said neither yes nor no. */
export async function postJson(url: string, question: Question): Promise<unknown> {
  const { token = null, headers = {}, body, signal, bytesMax = OUTSIDE_ANSWER_BYTES_MAX } = question;
  const call = {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...headers },
    body,
    signal,
  };
  const sentAtMs = Date.now();
  const response = await callService(url, token, call).catch((error: unknown) => {
    if (signal.aborted || Date.now() - sentAtMs > STALE_MS) throw error;
    return callService(url, token, call);
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the service answered ${response.status}`);
  }
  const bytes = await readWhole(response.body, bytesMax);
  if (bytes === null) throw new Error(`the answer has more than ${bytesMax} bytes`);
  return parseBytes(bytes);
}

/** Throws when it is not JSON in UTF-8, and says no more: the platform's own words would repeat the answer in a log. */
export function parseBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes)) as unknown;
  } catch {
    throw new Error("the answer is no JSON in UTF-8");
  }
}
