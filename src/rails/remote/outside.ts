/**
 * The port of a rail that asks somebody outside, and the one way in which such rails call over HTTP.
 *
 * An answer is believed only if it is one: any status but 2xx, a body that is too long or no JSON, a redirect, a closed
 * connection are failures, and the rail's rule for failures applies.
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

/** `token`: sent as a bearer token, or null. */
export async function postJson(
  url: string,
  token: string | null,
  headers: Readonly<Record<string, string>>,
  body: string,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await callService(url, token, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...headers },
    body,
    signal,
  });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`the service answered ${response.status}`);
  }
  return parseBytes(await readBounded(response.body));
}

/** Throws when it is not JSON in UTF-8. */
export function parseBytes(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes)) as unknown;
}

async function readBounded(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  const bytes = await readWhole(body, OUTSIDE_ANSWER_BYTES_MAX);
  if (bytes === null) throw new Error(`the answer has more than ${OUTSIDE_ANSWER_BYTES_MAX} bytes`);
  return bytes;
}
