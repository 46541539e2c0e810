/**
 * What operators see of requests under which endpoints ended, and their word for one of them: `GET /admin/poison`,
 * `DELETE /admin/poison`. Requests are named by keyed hashes: whose they are and what they say, nobody can tell from them.
 */
import { askShard } from "../../sight/ask-fleet.ts";
import type { Answer } from "../../wire/refusal.ts";
import { answerJson } from "../edge-request.ts";
import type { Authenticated } from "../edge-request.ts";
import { askFleet } from "./admin.ts";

/** The shards of a pool tell each other: of each request what the one says that knows most. */
export async function listPoison(edge: Authenticated): Promise<Answer> {
  const answers = await askFleet(edge, false);
  const rows = answers
    .flatMap(({ pool, status }) => (status?.poison ?? []).map((one) => ({ pool, ...one })))
    .sort((one, other) => other.kills - one.kills);
  const known = new Map<string, (typeof rows)[number]>();
  for (const row of rows) if (!known.has(`${row.pool} ${row.request}`)) known.set(`${row.pool} ${row.request}`, row);
  const unreached = answers.flatMap(({ name, reachable }) => (reachable ? [] : [name]));
  return answerJson(edge, { requests: [...known.values()], unreached });
}

/** `?request=` one of them; without it all. Each shard forgets what it knows; one that is away is named, to be asked again. */
export async function pardonPoison(edge: Authenticated): Promise<Answer> {
  const request = new URLSearchParams(edge.query).get("request");
  const shards = await askFleet(edge, false);
  const told = await Promise.all(
    shards.map(async ({ name }) => ({
      name,
      asked: await askShard(edge.shardOf(name), async (stub) => stub.pardon(request)),
    })),
  );
  const pardoned = Math.max(0, ...told.map(({ asked }) => (asked.ok ? asked.value : 0)));
  if (request !== null && pardoned === 0 && told.every(({ asked }) => asked.ok)) {
    return {
      reason: "not_found",
      detail: "Nothing is held against a request of this hash. GET /admin/poison lists them.",
    };
  }
  return answerJson(edge, { pardoned, unreached: told.flatMap(({ name, asked }) => (asked.ok ? [] : [name])) });
}
