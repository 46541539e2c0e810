/**
 * The demo's side of the dashboard's buttons: a server on loopback that kills, slows and cools the simulated endpoints, and
 * undoes it. The router is told its address and a token that was made for this run; nobody else knows either.
 */
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import type { EndpointProcess } from "./demo-crew.ts";

/** Times of a slow endpoint, to those of a well one: its first token is late, and its neighbours are not. */
const SLOW_FACTOR = 20;
const ORDER_CHARS_MAX = 1_024;

/** Killed is who does not run: nobody keeps that of it. */
type State = "up" | "killed" | "slow" | "cold";
type Action = "look" | "kill" | "slow" | "cold" | "undo";
const ACTIONS: ReadonlySet<string> = new Set<Action>(["look", "kill", "slow", "cold", "undo"]);

type Controlled<Role extends string> = {
  readonly roles: readonly Role[];
  readonly placeOf: (role: Role) => { readonly id: string; readonly region: string };
  readonly processOf: (role: Role) => Pick<EndpointProcess, "url" | "isRunning" | "kill">;
  readonly restart: (role: Role) => Promise<void>;
};

type Controls = { readonly url: string; readonly token: string };

export async function startControls<Role extends string>(controlled: Controlled<Role>): Promise<Controls> {
  const token = randomBytes(24).toString("base64url");
  const states = new Map<Role, State>();
  /** Who was killed by hand, or has been woken since, is told as it is. */
  const stateOf = async (role: Role): Promise<State> => {
    const process = controlled.processOf(role);
    if (!process.isRunning()) return "killed";
    if (states.get(role) === "cold" && (await isAwake(process))) states.delete(role);
    return states.get(role) ?? "up";
  };
  const told = async () => ({
    endpoints: await Promise.all(
      controlled.roles.map(async (role) => ({ ...controlled.placeOf(role), state: await stateOf(role) })),
    ),
  });
  const perform = async (action: Action, role: Role): Promise<void> => {
    const process = controlled.processOf(role);
    if (action === "kill") {
      await process.kill();
      states.delete(role);
    } else if (action === "undo") {
      if (!process.isRunning()) await controlled.restart(role);
      else {
        await order(process, "faults", { kind: "none" });
        if (states.get(role) === "cold") await order(process, "state", { state: "warm" });
      }
      states.delete(role);
    } else if (process.isRunning()) {
      if (action === "slow") await order(process, "faults", { kind: "slow", factor: SLOW_FACTOR });
      else await order(process, "state", { state: "cold" });
      states.set(role, action === "slow" ? "slow" : "cold");
    }
  };
  const server = createServer((request, response) => {
    // An endpoint that ends at this moment must not take the demo with it.
    const answered = answer(request).catch((): readonly [number, string] => [500, "The endpoint did not do it."]);
    void answered.then(([status, body]) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(body);
    });
  });
  const answer = async (request: IncomingMessage): Promise<readonly [status: number, body: string]> => {
    if (request.headers.authorization !== `Bearer ${token}`) return [401, ""];
    const asked = parsed(await textOf(request));
    const { action, region, endpoint } = asked;
    if (!isAction(action)) return [400, `action must be one of ${[...ACTIONS].join(", ")}.`];
    const meant = controlled.roles.filter((role) => {
      const place = controlled.placeOf(role);
      return place.id === endpoint || place.region === region || (endpoint ?? region) === undefined;
    });
    if (action !== "look" && meant.length === 0) return [400, "There is no such region or endpoint."];
    if (action !== "look" && action !== "undo" && (endpoint ?? region) === undefined)
      return [400, "Name a region or an endpoint."];
    if (action !== "look") for (const role of meant) await perform(action, role);
    return [200, JSON.stringify(await told())];
  };
  server.listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  // It ends with the demo, and holds it up no longer.
  server.unref();
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, token };
}

const isAction = (word: unknown): word is Action => typeof word === "string" && ACTIONS.has(word);

async function isAwake({ url }: { readonly url: string }): Promise<boolean> {
  const stats = (await (await fetch(`${url}/sim/stats`)).json()) as { readonly state: string };
  return stats.state !== "cold";
}

async function order({ url }: { readonly url: string }, what: "faults" | "state", body: object): Promise<void> {
  await (await fetch(`${url}/sim/${what}`, { method: "POST", body: JSON.stringify(body) })).arrayBuffer();
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) {
    text += String(chunk);
    if (text.length > ORDER_CHARS_MAX) return "";
  }
  return text;
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? Object.fromEntries(Object.entries(value)) : {};
  } catch {
    return {};
  }
}
