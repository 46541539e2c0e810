/**
 * The shell of a pool's queue: the Durable Object `jobs:{pool}`.
 *
 * It forwards every call to `queue.ts`, which is loaded with the first one: a Worker's isolate starts with what a
 * request needs, and a queue is another part of the bundle. Calls and the alarm are all that wakes the object, and each
 * of them makes the queue, which recovers what an earlier incarnation left. Each call awaits what it passes on: a
 * rejection (a full disk) must have its handler when it comes, else the runtime reports it as nobody's.
 */
import type { JobQueueEnv } from "./queue-env.ts";
import { DurableObject } from "cloudflare:workers";
import { prepareConfig } from "../../config/env.ts";
import { isLocked } from "../core/locked.ts";
import type { SubmitRequest } from "../core/messages.ts";
import type { QueueLimits, QueueMode } from "../core/queue.ts";
import type { Queue } from "./queue.ts";
import type { JobQueueAdminRpc, JobQueueMoreRpc, JobQueueOperatorRpc, JobQueueRpc } from "./rpc.ts";

type Calls = JobQueueRpc & JobQueueMoreRpc & JobQueueAdminRpc & JobQueueOperatorRpc;
type Args<Name extends keyof Calls> = Parameters<Calls[Name]>;

export class JobQueue extends DurableObject<JobQueueEnv> implements Calls {
  #queue: Queue | null = null;
  #loading: Promise<Queue> | null = null;

  async submit(request: SubmitRequest) {
    return await (await this.#ready()).submit(request);
  }
  async view(...args: Args<"view">) {
    return await (await this.#ready()).view(...args);
  }
  async stream(...args: Args<"stream">) {
    return await (await this.#ready()).stream(...args);
  }
  async cancel(...args: Args<"cancel">) {
    return await (await this.#ready()).cancel(...args);
  }
  async retry(...args: Args<"retry">) {
    return await (await this.#ready()).retry(...args);
  }
  async purge(tenant: string) {
    return await (await this.#ready()).purge(tenant);
  }
  async health(tenant: string) {
    return await (await this.#ready()).health(tenant);
  }
  async list(...args: Args<"list">) {
    return await (await this.#ready()).list(...args);
  }
  async deadLetters(tenant: string) {
    return await (await this.#ready()).deadLetters(tenant);
  }
  async pause(paused: boolean) {
    return await (await this.#ready()).pause(paused);
  }
  async take(...args: Args<"take">) {
    return await (await this.#ready()).take(...args);
  }
  async done(...args: Args<"done">) {
    return await (await this.#ready()).done(...args);
  }
  async chunk(...args: Args<"chunk">) {
    return await (await this.#ready()).chunk(...args);
  }
  async ping(...args: Args<"ping">) {
    return await (await this.#ready()).ping(...args);
  }
  async stops(...args: Args<"stops">) {
    return await (await this.#ready()).stops(...args);
  }
  async giveBack(...args: Args<"giveBack">) {
    return await (await this.#ready()).giveBack(...args);
  }
  async keepFor(...args: Args<"keepFor">) {
    return await (await this.#ready()).keepFor(...args);
  }
  async collect(...args: Args<"collect">) {
    return await (await this.#ready()).collect(...args);
  }
  async createBatch(...args: Args<"createBatch">) {
    return await (await this.#ready()).createBatch(...args);
  }
  async addToBatch(...args: Args<"addToBatch">) {
    return await (await this.#ready()).addToBatch(...args);
  }
  async finalizeBatch(...args: Args<"finalizeBatch">) {
    return await (await this.#ready()).finalizeBatch(...args);
  }
  async batch(...args: Args<"batch">) {
    return await (await this.#ready()).batch(...args);
  }
  async batchJobs(...args: Args<"batchJobs">) {
    return await (await this.#ready()).batchJobs(...args);
  }
  async cancelBatch(...args: Args<"cancelBatch">) {
    return await (await this.#ready()).cancelBatch(...args);
  }
  async setMode(mode: QueueMode) {
    return await (await this.#ready()).setMode(mode);
  }
  async setLimits(limits: Partial<QueueLimits>) {
    return await (await this.#ready()).setLimits(limits);
  }
  async deadDeliveries(tenant: string) {
    return await (await this.#ready()).deadDeliveries(tenant);
  }
  async replayDelivery(...args: Args<"replayDelivery">) {
    return await (await this.#ready()).replayDelivery(...args);
  }

  async summary() {
    return await (await this.#ready()).desk.summary();
  }
  async listAll(...args: Args<"listAll">) {
    return await (await this.#ready()).desk.listAll(...args);
  }
  async look(jobId: string) {
    return await (await this.#ready()).desk.look(jobId);
  }
  async redriveAll(...args: Args<"redriveAll">) {
    return await (await this.#ready()).desk.redriveAll(...args);
  }
  async allDeliveries(...args: Args<"allDeliveries">) {
    return await (await this.#ready()).desk.allDeliveries(...args);
  }
  async replayAll(...args: Args<"replayAll">) {
    return await (await this.#ready()).desk.replayAll(...args);
  }
  async workersNow() {
    return await (await this.#ready()).desk.workersNow();
  }

  /** Also where the queue cannot begin because its key is gone. */
  async erase(tenant: string) {
    const queue = await this.#ready().catch((error: unknown) => error);
    const { eraseLocked } = await import("./erasure.ts");
    if (isLocked(queue)) return eraseLocked(this.ctx, this.env, tenant);
    return await (await this.#ready()).desk.erase(tenant);
  }

  /** Development only: loses its memory as an eviction would. */
  restart(): void {
    if (this.env.WARMPATH_DEV === "1") this.ctx.abort("restarted on request");
  }

  override async alarm(): Promise<void> {
    // One that cannot begin has set the next alarm; the platform gives up one that only throws.
    (await this.#ready().catch(() => null))?.onAlarm();
  }

  async #ready(): Promise<Queue> {
    if (this.#queue !== null) return this.#queue;
    this.#loading ??= this.#load();
    try {
      this.#queue = await this.#loading;
    } catch (error) {
      // The next call tries again: what failed once need not fail for as long as the object lives.
      this.#loading = null;
      throw error;
    }
    return this.#queue;
  }

  async #load(): Promise<Queue> {
    await prepareConfig(this.env);
    const { beginQueue } = await import("./begin-queue.ts");
    return beginQueue(this.ctx, this.env);
  }
}
