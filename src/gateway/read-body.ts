/** Reads a request's body within the config's bounds; what is beyond one is refused by the bound's name and value. */
import { err } from "../lib/result.ts";
import type { Result } from "../lib/result.ts";
import { readBytes } from "../wire/body.ts";
import type { BodyBounds, BodyProblem } from "../wire/body.ts";
import type { Refusal } from "../wire/refusal.ts";
import type { EdgeRequest } from "./edge-request.ts";

/** The body of a request, or why it is refused. `option`: what the operator may raise `bytesMax` by; null: it is fixed. */
export async function readBody(
  { request, runtime }: EdgeRequest,
  bytesMax: number,
  option: string | null = null,
): Promise<Result<ArrayBuffer, Refusal>> {
  const { bodyTimeoutMs: timeoutMs } = runtime.config.limits;
  const read = await readBytes(request, { bytesMax, timeoutMs });
  return read.ok ? read : err(refusalOf(read.error, { bytesMax, timeoutMs }, option));
}

function refusalOf(problem: BodyProblem, { bytesMax, timeoutMs }: BodyBounds, option: string | null): Refusal {
  switch (problem) {
    case "too_large": {
      const name = option === null ? "" : ` (the option ${option})`;
      const detail = `The request body is larger than ${bytesMax} bytes${name}. Send a shorter request.`;
      return { reason: "body_too_large", detail };
    }
    case "too_slow": {
      const detail = `The request body was not there after ${timeoutMs} ms (the option limits.bodyTimeoutMs). Send it faster, or send less.`;
      return { reason: "body_timeout", detail };
    }
    case "unknown_coding":
      return {
        reason: "unsupported_media_type",
        detail: "A body may be compressed by gzip or by deflate, once. Send it as one of them, or as it is.",
        // RFC 9110, 12.5.3: what a server would have taken.
        headers: [["accept-encoding", "gzip, deflate"]],
      };
    case "broken_coding":
      return {
        reason: "invalid_request",
        detail: "The body is not what its Content-Encoding says. Compress it again, or send it as it is.",
      };
    case "broken_off":
      return {
        reason: "invalid_request",
        detail: "The body broke off before its end. Send it whole.",
      };
    default:
      return problem satisfies never;
  }
}
