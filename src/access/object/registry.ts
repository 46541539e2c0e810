/**
 * The registry itself: answers look-ups of keys, changes them, and appends to the chain of records.
 *
 * Model. Whatever is recorded is hashed first, and hashing waits; so records take their turn one after another, and in
 * each turn the record and what it tells of are one transaction. A look-up takes no turn. Static keys of the config are no business of this object, except that
 * their ids are taken.
 */
import { toHex } from "../../wire/api-keys.ts";
import { configText, loadConfig } from "../../config/env.ts";
import type { Env } from "../../config/env.ts";
import { err, ok } from "../../lib/result.ts";
import type { Result } from "../../lib/result.ts";
import { auditLine, withHash } from "../core/audit.ts";
import type { AuditEntry } from "../core/audit.ts";
import { edit, rehash, revoke, rotate } from "../core/key-record.ts";
import type { KeyRecord, KeySecret, RotateProblem } from "../core/key-record.ts";
import type { AuditPage, KeyChange, NewKey, Order, RegistryCalls } from "../core/registry-calls.ts";
import { RegistryStore } from "./registry-store.ts";
import type { StoredLine } from "./registry-store.ts";

/** About 600 bytes each. */
const REGISTRY_KEYS_MAX = 100_000;
/** What has been revoked or has expired is still listed for so long, ms: 90 days. */
const KEPT_OVER_MS = 7_776_000_000;
/** The chain begins with it. */
const FIRST_HASH = "0".repeat(64);

type Handlers = {
  readonly [Name in keyof RegistryCalls]: (
    ask: RegistryCalls[Name]["ask"],
  ) => RegistryCalls[Name]["answer"] | Promise<RegistryCalls[Name]["answer"]>;
};

export class Registry {
  readonly #store: RegistryStore;
  readonly #env: Env;
  #turn: Promise<unknown>;

  readonly #handlers: Handlers = {
    lookup: ({ ids }) => ids.map((id) => this.#store.key(id)),
    rehash: ({ id, from, hmac, pepper }) => this.#rehash(id, from, { hmac, pepper }),
    create: async ({ key, order }) => this.#create(key, order),
    change: async ({ id, change, order }) => this.#change(id, change, order),
    list: ({ tenant, after, limit }) => this.#store.keysOf(tenant, after, limit),
    tenants: ({ limit }) => this.#store.tenants(limit),
    watched: ({ endsFromMs, endsBeforeMs, limit, tenants }) => ({
      ending: this.#store.ending(endsFromMs + KEPT_OVER_MS, endsBeforeMs + KEPT_OVER_MS, limit),
      limited: tenants.filter((tenant) => this.#store.hasLimitedKey(tenant)),
    }),
    record: async (entry) => this.#inTurn(async () => this.#append(entry, () => undefined)),
    audit: async ({ since, limit }) => this.#inTurn(async () => this.#page(since, limit)),
  };

  constructor(storage: DurableObjectStorage, env: Env) {
    this.#store = new RegistryStore(storage);
    this.#env = env;
    this.#turn = this.#noteConfig().catch((error: unknown) => console.error("the config was not recorded", error));
  }

  async answer<Name extends keyof RegistryCalls>(
    name: Name,
    ask: RegistryCalls[Name]["ask"],
  ): Promise<Result<RegistryCalls[Name]["answer"], "failed">> {
    try {
      return ok(await this.#handlers[name](ask));
    } catch (error) {
      console.error(`the key registry could not ${name}`, error);
      return err("failed");
    }
  }

  #rehash(id: string, from: string, to: Pick<KeySecret, "hmac" | "pepper">): boolean {
    const known = this.#store.key(id);
    const changed = known === null ? null : rehash(known, from, to);
    if (changed !== null) this.#put(changed);
    return changed !== null;
  }

  async #create({ hmac, pepper, ...given }: NewKey, order: Order): Promise<KeyRecord | "taken" | "full"> {
    return this.#inTurn(async () => {
      const now = Date.now();
      this.#store.forgetOver(now);
      const { parsed } = loadConfig(this.#env);
      const isStatic = parsed.ok && parsed.value.keys.some(({ id }) => id === given.id);
      if (isStatic || this.#store.key(given.id) !== null) return "taken";
      if (this.#store.countKeys() >= REGISTRY_KEYS_MAX) return "full";
      const key: KeyRecord = {
        ...given,
        createdBy: order.actor.keyId,
        createdAtMs: now,
        revokedAtMs: null,
        secrets: [{ hmac, pepper, createdAtMs: now, endsAtMs: null }],
      };
      await this.#append(ended(order, null, told(key)), () => this.#put(key));
      return key;
    });
  }

  async #change(id: string, change: KeyChange, order: Order): Promise<RegistryCalls["change"]["answer"]> {
    return this.#inTurn(async () => {
      const before = this.#store.key(id);
      if (before === null) return null;
      const now = Date.now();
      const changed = changedKey(before, change, now);
      if (!changed.ok) return changed.error;
      const after = changed.value;
      await this.#append(ended(order, told(before), told(after)), () => this.#put(after));
      return after;
    });
  }

  #put(key: KeyRecord): void {
    const overAtMs = Math.min(key.revokedAtMs ?? Infinity, key.expiresAtMs ?? Infinity);
    this.#store.putKey(key, Number.isFinite(overAtMs) ? overAtMs + KEPT_OVER_MS : null);
  }

  async #page(since: RegistryCalls["audit"]["ask"]["since"], limit: number): Promise<AuditPage> {
    const rows = this.#store.lines(since, limit + 1);
    const shown = rows.slice(0, limit);
    const brokenAt = await this.#firstBroken(shown);
    return {
      brokenAt,
      lines: shown.map(({ line, hash }) => withHash(line, hash)),
      lastSeq: shown.at(-1)?.seq ?? ("seq" in since ? since.seq : 0),
      hasMore: rows.length > limit,
      newestSeq: this.#store.newest()?.seq ?? 0,
      oldestSeq: this.#store.oldestSeq(),
    };
  }

  /** The oldest record that is kept follows on one that is not. */
  async #firstBroken(shown: readonly StoredLine[]): Promise<number | null> {
    let before = shown[0] === undefined ? null : this.#store.before(shown[0].seq);
    for (const one of shown) {
      const { prev, seq } = JSON.parse(one.line) as { readonly prev: string; readonly seq: number };
      const follows = before === null || (before.hash === prev && before.seq + 1 === one.seq);
      if (!follows || seq !== one.seq || (await hashOf(one.line)) !== one.hash) return one.seq;
      before = one;
    }
    return null;
  }

  /** Only in a turn. `write`: what it tells of, done in the same breath. */
  async #append(entry: AuditEntry, write: () => void): Promise<number> {
    const { seq: lastSeq, hash: prev } = this.#store.newest() ?? { seq: 0, hash: FIRST_HASH };
    const seq = lastSeq + 1;
    const atMs = Date.now();
    const line = auditLine(entry, { seq, atMs, at: new Date(atMs).toISOString(), prev });
    const hash = await hashOf(line);
    this.#store.together(() => {
      this.#store.append({ seq, line, hash }, atMs);
      write();
    });
    return seq;
  }

  async #inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** A deployment with another config is an order too, though nobody gave it here. */
  async #noteConfig(): Promise<void> {
    const { parsed } = loadConfig(this.#env);
    const hash = await hashOf(await configText(this.#env));
    const before = this.#store.meta("config");
    if (before === hash) return;
    const entry: AuditEntry = {
      actor: { keyId: "", tenant: "", subject: null, address: null, requestId: "" },
      action: "config",
      outcome: parsed.ok ? "done" : "refused",
      of: null,
      before: before === null ? null : { sha256: before },
      after: { sha256: hash },
    };
    await this.#append(entry, () => this.#store.setMeta("config", hash));
  }
}

const ended = ({ actor, action, of }: Order, before: unknown, after: unknown): AuditEntry => ({
  actor,
  action,
  outcome: "done",
  of,
  before,
  after,
});

function changedKey(key: KeyRecord, change: KeyChange, now: number): Result<KeyRecord, RotateProblem> {
  switch (change.kind) {
    case "revoke":
      return ok(revoke(key, now));
    case "edit":
      return edit(key, change.members, now);
    case "rotate":
      return rotate(key, change, { overlapMs: change.overlapMs, now });
  }
}

/** A key without its digests. */
function told({ secrets, ...key }: KeyRecord) {
  return { ...key, liveSecrets: secrets.length };
}

async function hashOf(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
