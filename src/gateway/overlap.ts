/**
 * What goes on while the rails outside the isolate are asked, in a pool that does not wait for them (`dispatch`): the request
 * itself is already on its way. Where it waits, its lease is kept (`keep-lease.ts`).
 *
 * Model. The request is sent with what the rails inside have redacted; its answer is held back. The verdict
 * decides before anything else: a block aborts the attempt, frees its lease and refuses, whatever the endpoint has
 * answered or failed at. If a rail outside redacts, the attempt is aborted as well and the redacted body is sent anew
 * under a new lease: the endpoint has then seen the text, which is why a pool whose endpoints must not uses `acquire`.
 * What was saved is the part of the attempt that had passed when the verdict came.
 * Rejected: refusing a request whose redaction came late, which makes an ordinary finding an error.
 */
import { dispatch } from "../dispatch/door.ts";
import type { Dispatch, Outcome } from "../dispatch/door.ts";
import type { Outgoing } from "../dispatch/outgoing.ts";
import type { LeaseAnswer } from "../routing/host/lease-client.ts";
import { giveBack } from "../dispatch/way-of.ts";
import type { Checked, InputCheck } from "../rails/check.ts";

export type Overlapped = {
  readonly checked: Checked;
  /** null: the rails refused it, or its body cannot be written. */
  readonly outcome: Outcome | null;
  readonly savedMs: number;
};

/** `outgoingOf`: the request with this body, ended by this signal; null when the body cannot be written. */
export async function dispatchBeside(
  request: Omit<Dispatch, "outgoing">,
  leasing: Promise<LeaseAnswer>,
  check: InputCheck & { readonly outside: Promise<Checked> },
  outgoingOf: (checked: Checked, clientGone: AbortSignal | null) => Outgoing | null,
  leaseAnew: () => Promise<LeaseAnswer>,
): Promise<Overlapped> {
  const { leases } = request;
  const stop = new AbortController();
  const outgoing = outgoingOf(check.inside, stop.signal);
  if (outgoing === null) {
    check.stop();
    giveBack(leases, leasing);
    return { checked: check.inside, outcome: null, savedMs: 0 };
  }
  let begunAtMs = Number.POSITIVE_INFINITY;
  const running = dispatch({ ...request, outgoing }, leasing).then((outcome) => {
    begunAtMs = Date.now();
    return outcome;
  });
  leases.ports.spawn(running);
  const checked = await check.outside;
  const decidedAtMs = Date.now();
  const isBlocked = checked.verdict.verdict === "block";
  if (isBlocked || checked.body !== check.inside.body) {
    stop.abort();
    leases.ports.spawn(running.then(discard));
    if (isBlocked) return { checked, outcome: null, savedMs: 0 };
    const anew = outgoingOf(checked, null);
    const outcome = anew === null ? null : await dispatch({ ...request, outgoing: anew }, leaseAnew());
    return { checked, outcome, savedMs: 0 };
  }
  const outcome = await running;
  if (outcome.kind === "refused") return { checked, outcome, savedMs: 0 };
  const { sentAtMs } = outcome.answer;
  return { checked, outcome, savedMs: Math.max(0, Math.min(begunAtMs, decidedAtMs) - sentAtMs) };
}

/** Nobody will read it: also when it began in the moment in which it was stopped. */
function discard(outcome: Outcome): void {
  if (outcome.kind !== "begun") return;
  const { body, socket } = outcome.answer;
  if (body.kind === "stream") body.discard("cancelled");
  socket?.discard("cancelled");
}
