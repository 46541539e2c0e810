/** What the page asks of the demo's side (tools/demo/demo-controls.ts), and requests that show what came of it. */
import { type Answered, API, apiCall, csrfHeaders, memberOf } from "../session/api-call.ts";

/** What has been done to an endpoint. */
export type Done = "up" | "killed" | "slow" | "cold";

export type DemoEndpoint = { readonly id: string; readonly region: string; readonly state: Done };

export type DemoAction = "kill" | "slow" | "cold" | "undo";

export const askDemo = (): Promise<Answered> => apiCall("GET", `${API}/demo`);

export const orderDemo = (
  action: DemoAction,
  what: { readonly region?: string; readonly endpoint?: string },
): Promise<Answered> => apiCall("POST", `${API}/demo`, { action, ...what });

/** A pool without traffic is probed rarely. Who pressed a button wants to see what came of it. */
export const lookNow = (): Promise<Answered> => apiCall("GET", "/admin/fleet?probe=1");

const DONE: ReadonlySet<unknown> = new Set<Done>(["up", "killed", "slow", "cold"]);
const isDone = (value: unknown): value is Done => DONE.has(value);

/** What has another shape is left out. */
export function readDemo(value: unknown): readonly DemoEndpoint[] {
  const list = memberOf(value, "endpoints");
  return (Array.isArray(list) ? list : []).flatMap((one: unknown) => {
    const [id, region, state] = ["id", "region", "state"].map((name) => memberOf(one, name));
    return typeof id === "string" && typeof region === "string" && isDone(state) ? [{ id, region, state }] : [];
  });
}

/** Requests that are sent together: as many as a GPU of the demo has slots. */
export const ASKED_AT_ONCE = 8;
const MAX_TOKENS = 40;

/** Who answered how many of them, as `gpu-frankfurt`; what was not answered is under its status. */
export async function askAtOnce(model: string, region: string): Promise<ReadonlyMap<string, number>> {
  const body = JSON.stringify({ model, max_tokens: MAX_TOKENS, messages: [{ role: "user", content: "Hello" }] });
  const headers = { ...csrfHeaders(), "content-type": "application/json", "x-warmpath-place": region };
  const asked = Array.from({ length: ASKED_AT_ONCE }, async () => {
    const response = await fetch(`${API}/try?path=/v1/chat/completions`, { method: "POST", headers, body });
    await response.text();
    return response.ok ? (response.headers.get("x-warmpath-endpoint") ?? "somebody") : `status ${response.status}`;
  });
  const counts = new Map<string, number>();
  for (const one of await Promise.allSettled(asked)) {
    const who = one.status === "fulfilled" ? one.value : "no answer";
    counts.set(who, (counts.get(who) ?? 0) + 1);
  }
  return counts;
}
