/**
 * The control path: set a fault, set the state, read what happened. A wrong order is answered with what is wrong.
 *
 * It is open to whoever reaches the port; the simulator listens on loopback unless told otherwise.
 */
import * as z from "zod";
import type { EngineLoad } from "../gpu-engine/engine-types.ts";
import { readBody } from "./exchange.ts";
import type { Exchange } from "./exchange.ts";
import { faultSchema } from "./faults.ts";
import type { FaultBoard } from "./faults.ts";
import type { GpuSimulator } from "./simulator.ts";

/** An order is a line of JSON. */
export const CONTROL_BODY_BYTES_MAX = 16_384;

const stateSchema = z.strictObject({ state: z.enum(["cold", "warming", "warm", "draining"]) });

export type ControlContext = {
  readonly simulator: Pick<GpuSimulator, "state" | "setState" | "setFault" | "stats">;
  readonly faults: FaultBoard;
  readonly load: () => EngineLoad;
};

export async function answerControl(exchange: Exchange, context: ControlContext): Promise<void> {
  const { req, reply, path } = exchange;
  const { simulator, faults, load } = context;
  const order = `${req.method} ${path}`;
  if (order === "GET /sim/stats") {
    reply.json(200, { ...simulator.stats, state: simulator.state(), load: load(), fault: faults.current() });
    return;
  }
  if (order !== "POST /sim/faults" && order !== "POST /sim/state") {
    reply.json(404, { error: "POST /sim/faults, POST /sim/state or GET /sim/stats" });
    return;
  }
  const body = await readBody(req, CONTROL_BODY_BYTES_MAX);
  if (body === "gone") return;
  const json = body === "too_large" ? null : parseJson(body);
  if (order === "POST /sim/state") {
    const parsed = stateSchema.safeParse(json);
    if (parsed.success) simulator.setState(parsed.data.state);
    answer(exchange, parsed);
    return;
  }
  const parsed = faultSchema.safeParse(json);
  // In force before the answer: who reads the answer may rely on it. A shut door spares connections that still owe one.
  if (parsed.success) simulator.setFault(parsed.data);
  answer(exchange, parsed);
}

function answer({ reply }: Exchange, parsed: z.ZodSafeParseResult<unknown>): void {
  if (parsed.success) reply.json(200, parsed.data);
  else reply.json(400, { error: z.prettifyError(parsed.error) });
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    // null is no order: the schema says what was expected.
    return null;
  }
}
