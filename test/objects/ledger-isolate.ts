/** An isolate as a ledger's tests need it: its purse, and the real object at the other end of its calls. */
import type { Limits } from "../../src/tenants/core/amounts.ts";
import * as purses from "../../src/tenants/core/purse.ts";
import type { Spent, Wish } from "../../src/tenants/core/purse.ts";
import type { Refused } from "../../src/tenants/core/ledger-messages.ts";
import type { LedgerCalls } from "../../src/tenants/object/ledger-calls.ts";

export type Asked = {
  readonly key?: string;
  readonly tenant?: Limits;
  readonly own?: Limits;
  readonly tokens?: number;
  readonly micros?: number;
  readonly holdMs?: number;
  readonly queueMax?: number;
};

const wishOf = ({
  key = "k",
  tenant = {},
  own = {},
  tokens = 0,
  micros = 0,
  holdMs = 360_000,
  queueMax = 0,
}: Asked): Wish => ({
  key,
  bounds: { tenant, key: own },
  tokens,
  micros,
  holdMs,
  queueMax,
  queueWaitMs: queueMax === 0 ? 0 : 10_000,
});

export class Isolate {
  readonly #ledger: () => LedgerCalls;
  readonly #purse: purses.Purse;

  constructor(name: string, ledger: () => LedgerCalls) {
    this.#ledger = ledger;
    this.#purse = purses.createPurse(name);
  }

  /** From what is lent, else by asking; one that has to wait in line is told so by `position`. */
  async take(
    asked: Asked,
  ): Promise<Spent | Refused | { readonly kind: "queued"; readonly wait: () => Promise<Spent | Refused> }> {
    const wish = wishOf(asked);
    const found = purses.take(this.#purse, wish, Date.now());
    if (found !== null) return found;
    const asking = purses.askFor(this.#purse, wish, false);
    const askedAtMs = Date.now();
    const answered = (reply: Awaited<ReturnType<LedgerCalls["ask"]>> | null): Spent | Refused => {
      if (reply?.kind === "granted") return purses.onGranted(this.#purse, asking, reply, askedAtMs, Date.now());
      if (reply?.kind !== "refused") throw new Error("the ledger has forgotten who waits");
      purses.onRefused(this.#purse, wish, reply, Date.now());
      return reply;
    };
    const reply = await this.#ledger().ask(asking);
    if (reply.kind !== "queued") return answered(reply);
    return { kind: "queued", wait: async () => answered(await this.#ledger().awaitTurn(asking.id)) };
  }

  /** It has ended, and came to this. */
  end(spent: Spent, used: { readonly tokens?: number; readonly micros?: number; readonly model?: string } = {}): void {
    const { tokens = spent.tokens, micros = spent.micros, model = "m" } = used;
    const counted = { requests: 1, input: 0, cached: 0, output: tokens, estimated: 0 };
    const usage = { key: spent.key, model, outcome: "served", micros, ...counted };
    purses.close(this.#purse, spent, usage, true, Date.now());
  }

  /** Tells what it owes; a ledger that has forgotten what it heard is told again. */
  async tell(): Promise<void> {
    for (let round = 0; round < 3; round += 1) {
      const told = purses.takeReport(this.#purse, Date.now());
      if (told === null) return;
      purses.onHeard(this.#purse, await this.#ledger().report(told));
    }
  }

  /** As many as pass, until one is refused; each ends at once with what it reserved, if `ends`. */
  async many(count: number, asked: Asked, ends = true): Promise<number> {
    let passed = 0;
    for (let index = 0; index < count; index += 1) {
      const found = await this.take(asked);
      if ("kind" in found) continue;
      passed += 1;
      if (ends) this.end(found);
    }
    return passed;
  }
}
