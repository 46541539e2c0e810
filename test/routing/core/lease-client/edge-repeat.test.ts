/** Second attempts at the edge: what a wish says of itself, what a refusal means, and what happens while no shard answers. */
import { describe, expect, test } from "vitest";
import { RETRY_RULE } from "../../../../src/routing/core/shard/budget.ts";
import { beginLease, onAwaited, onReply, onSilence } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import type { Asking, LeaseStep, LeaseWish } from "../../../../src/routing/core/lease-client/edge-lease.ts";
import { seededRng } from "../../../../src/lib/rng.ts";
import type { AcquireOutcome, AcquireReply } from "../../../../src/routing/core/shard-messages.ts";
import { createWallet, settleHolding, takeCarry } from "../../../../src/routing/core/lease-client/wallet.ts";
import type { Wallet } from "../../../../src/routing/core/lease-client/wallet.ts";
import { endpointSpec, grantOf, poolSpec, settlement, US } from "../shard/shard-fixture.ts";

const at = { now: 0, rng: seededRng(1) };
const SHARD = "pool:pool:us";
const POOL = poolSpec([endpointSpec(), endpointSpec({ id: "e2" })]);

const wish = (changes: Partial<LeaseWish> = {}): LeaseWish => ({
  pool: POOL,
  client: US,
  clientKey: "here",
  inputTokens: 0,
  excluded: [],
  explain: false,
  ...changes,
});
const retry = wish({ excluded: ["e1"] });
const hedge = wish({ excluded: ["e1"], purpose: "hedge" });

const reply = (outcome: AcquireOutcome): AcquireReply => ({ outcome, tight: false, snapshot: null, candidates: null });

function asked(wallet: Wallet, wanted: LeaseWish): Asking {
  const { step } = beginLease(wallet, wanted, 0);
  if (step.kind !== "ask") throw new Error(`expected a question, got ${step.kind}`);
  return step.asking;
}

/** Ends a leased request as served. */
function serve(wallet: Wallet, step: LeaseStep): void {
  if (step.kind !== "leased") throw new Error(`expected a lease, got ${step.kind}`);
  settleHolding(wallet, step.holding, settlement({ leaseId: step.holding.leaseId }));
}

test.each([
  { name: "a first attempt", wanted: wish(), purpose: "first" },
  { name: "a retry", wanted: retry, purpose: "retry" },
  { name: "a hedge", wanted: hedge, purpose: "hedge" },
])("$name says to the shard what it is", ({ wanted, purpose }) => {
  expect(asked(createWallet("edge"), wanted).request.purpose).toBe(purpose);
});

test("a shard's refusal for want of budget is passed on, from its answer and from its queue", () => {
  const wallet = createWallet("edge");
  const asking = asked(wallet, retry);
  expect(onReply(wallet, retry, asking, reply({ kind: "over_budget" }), at)).toEqual({ kind: "over_budget" });
  expect(onAwaited(wallet, retry, asking, { kind: "over_budget" }, at)).toEqual({ kind: "over_budget" });
});

describe("a hedge", () => {
  test("is leased by the shard", () => {
    const wallet = createWallet("edge");
    const grant = grantOf("edge-1", { endpointId: "e2" });
    const step = onReply(wallet, hedge, asked(wallet, hedge), reply({ kind: "granted", grant }), at);
    expect(step).toMatchObject({ kind: "leased", holding: { grant: { endpointId: "e2" } } });
  });

  test("waits in no queue: its place goes back", () => {
    const wallet = createWallet("edge");
    const asking = asked(wallet, hedge);
    const { leaseId } = asking.request;
    expect(onReply(wallet, hedge, asking, reply({ kind: "queued", leaseId, etaMs: 10 }), at).kind).toBe("over_budget");
    expect(takeCarry(wallet, SHARD, 0).settled).toMatchObject([{ leaseId, outcome: "unused" }]);
  });

  test("is not decided alone", () => {
    const wallet = createWallet("edge");
    expect(onSilence(wallet, hedge, at)).toEqual({ kind: "over_budget" });
    expect(wallet.holdings.size).toBe(0);
  });
});

describe("while no shard answers", () => {
  const retriesLeft = (wallet: Wallet): number => {
    for (let retries = 0; ; retries++) {
      if (onSilence(wallet, retry, at).kind !== "leased") return retries;
      expect(retries, "tokens that a bucket holds").toBeLessThan(RETRY_RULE.tokensMax);
    }
  };

  test("an isolate's retries end with its own budget, and first attempts go on", () => {
    const wallet = createWallet("edge");
    expect(retriesLeft(wallet)).toBe(RETRY_RULE.tokensMax);
    expect(onSilence(wallet, retry, at)).toEqual({ kind: "over_budget" });
    expect(onSilence(wallet, wish(), at).kind).toBe("leased");
  });

  test("what it serves earns further ones", () => {
    const wallet = createWallet("edge");
    retriesLeft(wallet);
    const first = Array.from({ length: 20 }, () => onSilence(wallet, wish(), at));
    for (const step of first) serve(wallet, step);
    expect(retriesLeft(wallet)).toBe(2);
  });

  test("a retry that has nowhere to go costs nothing", () => {
    const wallet = createWallet("edge");
    const nowhere = wish({ excluded: ["e1", "e2"] });
    expect(onSilence(wallet, nowhere, at).kind).toBe("no_endpoint");
    expect(wallet.retriesAlone.spent).toBe(0);
  });
});
