/**
 * One request against its tenant's limits: what it may come to at most, whether it may pass, and what it came to.
 *
 * Model. Before it is sent it reserves its prompt and the longest answer that it allows, at the pool's prices. When it has
 * ended it is settled, once: by what the endpoint counted, else by the bytes that were delivered, marked as estimated. What
 * was never answered costs nothing; attempts that were lost are nobody's bill but the operator's.
 */
import { createTokenBytes, observeTokens, tokensIn } from "../wire/token-bytes.ts";
import type { TokenBytes } from "../wire/token-bytes.ts";
import type { AnswerUsage } from "../dispatch/core/answer-usage.ts";
import { costOf } from "./core/amounts.ts";
import type { Prices, Tokens } from "./core/amounts.ts";
import type { Standing, Usage } from "./core/ledger-messages.ts";
import type { Spent, Wish } from "./core/purse.ts";
import type { Admission, BudgetClient } from "./budget-client.ts";

/** How it ended. */
export type MeterEnd = {
  readonly outcome: string;
  /** An endpoint's answer was taken, and was no error. */
  readonly isAnswered: boolean;
  readonly usage: AnswerUsage | null;
  /** Of the answer; null: nobody saw them. */
  readonly bytesOut: number | null;
  readonly isEvents: boolean;
};

export type MeterPlan = {
  readonly wish: Wish;
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** Answers that it asks for. */
  readonly requests: number;
  readonly prices: Prices | null;
  readonly countsRequest: boolean;
};

/** What is known of answers' bytes a token, of events and of whole ones. */
export type AnswerBytes = { readonly events: TokenBytes; readonly whole: TokenBytes };

/** An event of one token is some 200 bytes in every protocol; a token of text is 4, and JSON is around it. */
export const createAnswerBytes = (): AnswerBytes => ({
  events: { bytes: 220 * 500, tokens: 500 },
  whole: createTokenBytes(),
});

export class Meter {
  readonly #client: BudgetClient;
  readonly #plan: MeterPlan;
  readonly #bytes: AnswerBytes;
  #spent: Spent | null = null;
  #ended: Usage | null = null;
  #isReleased = false;

  constructor(client: BudgetClient, plan: MeterPlan, bytes: AnswerBytes) {
    this.#client = client;
    this.#plan = plan;
    this.#bytes = bytes;
  }

  /** Where the limits of a minute stand, once it has passed; null: not known. */
  get standing(): Standing | null {
    return this.#spent?.standing ?? null;
  }

  admit(): Admission | Promise<Admission> {
    const admission = this.#client.take(this.#plan.wish);
    return admission instanceof Promise ? admission.then((later) => this.#noted(later)) : this.#noted(admission);
  }

  #noted(admission: Admission): Admission {
    if (admission.kind === "queued") {
      return { kind: "queued", wait: async () => admission.wait().then((later) => this.#noted(later)) };
    }
    if (admission.kind !== "spent") return admission;
    this.#spent = admission.spent;
    if (this.#isReleased) this.#client.settle(admission.spent, null, false);
    // It was over before it could pass.
    if (this.#ended !== null) this.#client.settle(admission.spent, this.#ended, this.#plan.countsRequest);
    return admission;
  }

  /** Once, when it has ended. Gives what it cost, micro-units. */
  settle(end: MeterEnd): number {
    const used = this.#usageOf(end);
    if (this.#ended !== null || this.#isReleased) return used.micros;
    this.#ended = used;
    if (this.#spent !== null) this.#client.settle(this.#spent, used, this.#plan.countsRequest);
    else this.#client.noteRefused(used);
    return used.micros;
  }

  /** Another pool serves it, which has its own meter: nothing of it counts here. */
  release(): void {
    if (this.#ended !== null || this.#isReleased) return;
    this.#isReleased = true;
    if (this.#spent !== null) this.#client.settle(this.#spent, null, false);
  }

  #usageOf(end: MeterEnd): Usage {
    const { wish, model, prices } = this.#plan;
    const tokens = end.isAnswered ? this.#tokensOf(end) : NONE;
    return {
      key: wish.key,
      model,
      outcome: end.outcome,
      requests: 1,
      input: tokens.input,
      cached: tokens.cached,
      output: tokens.output,
      micros: costOf(tokens, prices),
      estimated: tokens.isEstimated ? 1 : 0,
    };
  }

  #tokensOf({ usage, bytesOut, isEvents }: MeterEnd): Tokens & { readonly isEstimated: boolean } {
    const { inputTokens, outputTokens, requests } = this.#plan;
    const input = usage?.promptTokens ?? inputTokens;
    const known = isEvents ? this.#bytes.events : this.#bytes.whole;
    const told = usage?.outputTokens;
    if (told !== undefined && bytesOut !== null && told > 0 && isEvents) observeEvents(known, bytesOut, told);
    else if (told !== undefined && bytesOut !== null && told > 0) observeTokens(known, bytesOut, told);
    // Embeddings have no answer to count; of what nobody saw stands what was reserved.
    const guessed = bytesOut === null ? outputTokens : Math.min(outputTokens, tokensIn(known, bytesOut));
    const output = told ?? (outputTokens === 0 ? 0 : guessed);
    const isEstimated = usage?.promptTokens === undefined || (told === undefined && outputTokens > 0);
    return { input, cached: Math.min(input, usage?.cachedTrue ?? 0), output, requests, isEstimated };
  }
}

const NONE: Tokens & { readonly isEstimated: boolean } = { input: 0, cached: 0, output: 0, isEstimated: false };

/** As of whole answers, with the bytes that events have. */
function observeEvents(known: TokenBytes, bytes: number, tokens: number): void {
  const quotient = bytes / tokens;
  if (!(quotient >= 16 && quotient <= 4_096)) return;
  const fade = Math.min(1, 20_000 / (known.tokens + tokens));
  known.bytes = (known.bytes + bytes) * fade;
  known.tokens = (known.tokens + tokens) * fade;
}
