/**
 * Decides of a stream of a pool with `onCut: "continue"` whether it may be gone on with, and asks another endpoint for the rest.
 * Loaded with the first.
 */
import { dispatch } from "../dispatch/door.ts";
import type { Dispatch, Outcome } from "../dispatch/door.ts";
import type { BegunAnswer } from "../dispatch/begun-answer.ts";
import { continued } from "../dispatch/continue-stream.ts";
import { continuedBody, forbiddenBy } from "../dispatch/core/continuation.ts";
import type { Joint } from "../dispatch/core/continuation.ts";
import { isObject } from "../lib/json-object.ts";
import type { JsonObject } from "../lib/json-object.ts";
import { parseLong } from "../lib/json-source.ts";
import type { HeaderRecord } from "../wire/headers.ts";
import { ON_CUT } from "../wire/headers.ts";
import { tokensIn } from "../wire/token-bytes.ts";

/** `request`: as it was dispatched; `told`: the answer's headers, where it is said. */
export function continuing(
  request: Dispatch,
  { answer }: Extract<Outcome, { readonly kind: "begun" }>,
  told: HeaderRecord,
): BegunAnswer {
  const { outgoing, leases } = request;
  const { trail, protocol } = outgoing;
  if (answer.status !== 200 || !answer.isEvents || answer.body.kind !== "stream" || trail === undefined) return answer;
  const body = bodyOf(outgoing.body);
  const why = !request.repeatable || outgoing.speech !== undefined ? "protocol" : forbiddenBy(protocol, body ?? {});
  told[ON_CUT] = why === null ? "continue" : `error;why="${why}"`;
  if (why !== null || body === null || (protocol !== "chat" && protocol !== "completions")) return answer;
  return continued(answer, {
    protocol,
    body,
    trail,
    spawn: (work) => leases.ports.spawn(work),
    async again(joint, tokens, cut) {
      const before = trail.answeredBy;
      const next = await askRest(request, { body, joint, tokens, cut });
      if (next !== null && isStream(next)) return next;
      // What it answered is nobody's answer.
      if (next?.body.kind === "stream") next.body.discard("cancelled");
      trail.answeredBy = before;
      return null;
    },
  });
}

const isStream = ({ status, isEvents, body }: BegunAnswer): boolean =>
  status === 200 && isEvents && body.kind === "stream";

type Rest = {
  readonly body: JsonObject;
  readonly joint: Joint;
  readonly tokens: number;
  /** Endpoints that broke off. */
  readonly cut: readonly string[];
};

async function askRest(request: Dispatch, { body, joint, tokens, cut }: Rest): Promise<BegunAnswer | null> {
  const { leases, leaseRequest, outgoing, pool } = request;
  const strangers = [...pool.endpoints.values()].filter(({ config }) => config.prefill === "none");
  const leaseAsked = {
    ...leaseRequest,
    excluded: [...new Set([...leaseRequest.excluded, ...cut, ...strangers.map(({ config }) => config.id)])],
    inputTokens: leaseRequest.inputTokens + tokensIn(pool.tokenBytes, joint.text.length),
    purpose: "retry" as const,
    again: true,
  };
  const outcome = await dispatch(
    {
      ...request,
      leaseRequest: leaseAsked,
      outgoing: {
        ...outgoing,
        async speech({ config: { prefill } }, { protocol }, send) {
          const rest = continuedBody(body, joint, tokens, prefill === "message" ? "message" : "flags");
          return { answer: await send({ body: new TextEncoder().encode(JSON.stringify(rest)) }), protocol };
        },
      },
    },
    leases.take(leaseAsked, pool.config.patienceMs),
  );
  return outcome.kind === "begun" ? outcome.answer : null;
}

/** Integers keep the digits that a double cannot hold. */
function bodyOf(bytes: Dispatch["outgoing"]["body"]): JsonObject | null {
  const value = bytes === null ? null : parseLong(new TextDecoder().decode(bytes));
  return isObject(value) ? value : null;
}
