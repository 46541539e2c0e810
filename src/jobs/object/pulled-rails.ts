/**
 * What a pulling worker hands in meets the output rails of its pool before it is stored, as a pushed job's answer does.
 *
 * Model. A worker yields JSON values, one after the other, and ends with one. Of what it yields a string is a piece of a
 * text, an object is an event, and a string that is written as an event stream is one; so they go through the rails of
 * a stream, one for each attempt, and what is held comes with a later value or with the end. A block fails the job and
 * stops its worker. The result of its end, its progress and its error are read as whole answers are.
 * Rejected: to look at each value alone, which sees nothing that was cut between two.
 */
import type { PoolConfig } from "../../config/config.ts";
import { createSseDecoder, push } from "../../lib/sse.ts";
import type { Blobs } from "./blobs.ts";
import { jobRails } from "./job-rails.ts";
import type { JobRails, Kept, Refused } from "./job-rails.ts";
import type { JobRow } from "./job-row.ts";
import type { Ledger } from "./ledger.ts";
import type { WorkerResult } from "./rpc.ts";

export type PulledDeps = {
  /** Null when it is misconfigured. */
  readonly pool: () => Pick<PoolConfig, "id" | "rails"> | null;
  readonly ledger: Ledger;
  readonly blobs: Blobs;
};

/** JSON texts to keep, in order; `refused`: why nothing more of the job may be kept. */
export type PulledChunks = { readonly chunks: readonly string[]; readonly refused: string | null };

type Opened = { readonly token: number; readonly rails: Promise<JobRails | Refused | null> };

export class PulledRails {
  readonly #deps: PulledDeps;
  /** By job: of its attempt that is under way. */
  readonly #opened = new Map<string, Opened>();

  constructor(deps: PulledDeps) {
    this.#deps = deps;
  }

  /** Calls of one job end in the order in which they came. */
  async chunk(row: JobRow, json: string): Promise<PulledChunks> {
    const rails = await this.#of(row);
    if (rails === null) return { chunks: [json], refused: null };
    if ("kind" in rails) return { chunks: [], refused: rails.message };
    return kept(lookAt(rails, json));
  }

  /** What was held of the values before; then the end itself. */
  async end(row: JobRow, result: WorkerResult): Promise<PulledChunks & { readonly result: WorkerResult }> {
    const rails = await this.#of(row);
    if (rails === null) return { chunks: [], refused: null, result };
    if ("kind" in rails) return { chunks: [], refused: rails.message, result };
    const { output, error, isProgress } = result;
    const held = isProgress ? NOTHING : kept(valuesIn(rails.end()));
    if (!isProgress) this.#opened.delete(row.job.id);
    const shown = output === null ? null : wholeOf(rails, output);
    const told = error === null ? null : rails.whole(error, PLAIN);
    const refused = held.refused ?? refusalOf(shown) ?? refusalOf(told);
    return {
      chunks: held.chunks,
      refused,
      result: {
        ...result,
        output: shown?.kind === "passed" ? shown.text : null,
        error: told?.kind === "passed" ? told.text : null,
      },
    };
  }

  async #of({ job }: JobRow): Promise<JobRails | Refused | null> {
    const known = this.#opened.get(job.id);
    if (known?.token === job.token) return known.rails;
    const pool = this.#deps.pool();
    if (pool === null) return { kind: "refused", message: "the guardrails of this pool are misconfigured" };
    if (pool.rails.output.length === 0) return null;
    // Those whose workers were lost.
    for (const id of this.#opened.keys()) if (!this.#deps.ledger.running.has(id)) this.#opened.delete(id);
    const rails = this.#open(pool, job);
    this.#opened.set(job.id, { token: job.token, rails });
    return rails;
  }

  async #open(pool: Pick<PoolConfig, "id" | "rails">, { id, tenant }: JobRow["job"]) {
    const { ledger, blobs } = this.#deps;
    const spec = ledger.store.readSpec(id);
    const body = spec === null ? "" : spec.bodyKey === null ? spec.work.body : ((await blobs.get(spec.bodyKey)) ?? "");
    // What a worker says is its own, whatever path the job would have had at an endpoint.
    return jobRails(pool, { jobId: id, tenant, path: "", body });
  }
}

const NOTHING: PulledChunks = { chunks: [], refused: null };
const PLAIN = { isEvents: false, isError: false, contentType: "" } as const;
/** In what a piece of text is on its way: the rails know the name as that of a text in pieces. */
const PIECE = "output_text";
const BLOCKED = "a guardrail refused the answer";

type Values = { readonly values: readonly string[]; readonly isOver: boolean };

const kept = ({ values, isOver }: Values): PulledChunks => ({ chunks: values, refused: isOver ? BLOCKED : null });

const refusalOf = (looked: ReturnType<JobRails["whole"]> | null): string | null =>
  looked?.kind === "refused" ? looked.message : null;

/** A text that is lines of an event stream, as workers for OpenAI's API yield it. */
const isStream = (value: unknown): value is string =>
  typeof value === "string" && /^\ufeff?(?:data|event|id|retry)?:/.test(value);

function lookAt(rails: JobRails, json: string): Values {
  const value: unknown = JSON.parse(json);
  if (isStream(value)) {
    const { out, isOver } = rails.push(value);
    return { values: out === "" ? [] : [out === value ? json : JSON.stringify(out)], isOver };
  }
  // A piece of text has the shape of a stream's event on its way.
  const event = typeof value === "string" ? `data: ${JSON.stringify({ [PIECE]: value })}\n\n` : `data: ${json}\n\n`;
  const pushed = rails.push(event);
  return pushed.out === event ? { values: [json], isOver: pushed.isOver } : valuesIn(pushed);
}

/** The events of what the rails let out, each as the value that it was. */
function valuesIn({ out, isOver }: Kept): Values {
  const events = push(createSseDecoder(), out);
  const texts = (events.ok ? events.value : []).map(({ data }) => data).filter((data) => data !== "[DONE]");
  return { values: texts.map(valueOf), isOver };
}

function valueOf(data: string): string {
  try {
    const value: unknown = JSON.parse(data);
    if (typeof value !== "object" || value === null) return data;
    const names = Object.keys(value);
    return names.length === 1 && names[0] === PIECE ? JSON.stringify((value as Record<string, unknown>)[PIECE]) : data;
  } catch {
    return JSON.stringify(data);
  }
}

/** A list of pieces of an event stream is put together: what was cut between two of them is in none. */
function wholeOf(rails: JobRails, json: string): ReturnType<JobRails["whole"]> {
  const value: unknown = JSON.parse(json);
  const pieces = Array.isArray(value) ? (value as readonly unknown[]) : [value];
  if (pieces.length === 0 || !pieces.every(isStream)) return rails.whole(json, PLAIN);
  const text = pieces.join("");
  const looked = rails.whole(text, { ...PLAIN, isEvents: true });
  if (looked.kind === "refused" || looked.text === text)
    return looked.kind === "refused" ? looked : { kind: "passed", text: json };
  return { kind: "passed", text: JSON.stringify(Array.isArray(value) ? [looked.text] : looked.text) };
}
