/**
 * The demo's buttons: kill the GPUs of a region, make one slow, let one go cold, and undo it. The processes are the demo's
 * (`tools/demo/demo-controls.ts`), which tells where it listens by two bindings; a router without them, or outside of
 * development mode, has no such path.
 */
import { callService } from "../../../backends/egress.ts";
import type { Answer, Refusal } from "../../wire/refusal.ts";
import type { Authenticated, EdgeRequest } from "../edge-request.ts";
import { readBody } from "../read-body.ts";
import { answerPrivate } from "./private.ts";

const ORDER_BYTES_MAX = 1_024;
/** A simulator starts within it, ms. */
const CONTROL_TIMEOUT_MS = 20_000;

const NO_DEMO: Refusal = { reason: "not_found", detail: "These buttons are the demo's alone: npm start." };

const controlOf = ({ env, dev }: EdgeRequest): { readonly url: string; readonly token: string } | null => {
  const { WARMPATH_DEMO_CONTROL: url, WARMPATH_DEMO_TOKEN: token } = env;
  return dev && url !== undefined && token !== undefined ? { url, token } : null;
};

export const isDemo = (edge: EdgeRequest): boolean => controlOf(edge) !== null;

/** `GET /dashboard/api/demo`: `{endpoints: [{id, region, state}]}`. */
export async function demoState(edge: Authenticated): Promise<Answer> {
  return ask(edge, JSON.stringify({ action: "look" }));
}

/** `POST /dashboard/api/demo` `{action: "kill" | "slow" | "cold" | "undo", region? | endpoint?}`; answers with the state. */
export async function demoOrder(edge: Authenticated): Promise<Answer> {
  if (!isDemo(edge)) return NO_DEMO;
  const bytes = await readBody(edge, ORDER_BYTES_MAX);
  return bytes.ok ? ask(edge, new TextDecoder().decode(bytes.value)) : bytes.error;
}

async function ask(edge: Authenticated, body: string): Promise<Answer> {
  const control = controlOf(edge);
  if (control === null) return NO_DEMO;
  const headers = { "content-type": "application/json" };
  const signal = AbortSignal.timeout(CONTROL_TIMEOUT_MS);
  const response = await callService(control.url, control.token, { method: "POST", headers, body, signal });
  const text = await response.text();
  if (response.ok) return answerPrivate(edge, JSON.parse(text));
  return { reason: "invalid_request", detail: response.status === 400 ? text : "The demo did not do it." };
}
