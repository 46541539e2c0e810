/** What `serve` prints of its endpoints when it has started: each with what it answered, and what to do. */
import type { EndpointSeen } from "../../src/wire/keeper.ts";

type Told = { readonly says: string; readonly toDo: string };

/** A line each under its headings, in columns. */
export function endpointTable(seen: readonly EndpointSeen[]): string {
  const rows = seen.map((one) => {
    const { says, toDo } = told(one);
    return [one.id, one.host, one.region, says, `${one.ms}`, toDo];
  });
  const table = [["endpoint", "host", "region", "answer", "ms", "what to do"], ...rows];
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd())
    .join("\n");
}

function told({ answer, status, secret }: EndpointSeen): Told {
  switch (answer) {
    case "ready":
      return { says: "ready", toDo: "" };
    case "warming":
      return { says: "warming", toDo: "wait: it loads its model" };
    case "cold":
      return { says: "cold", toDo: "nothing: the first request that needs it starts it" };
    case "draining":
      return { says: "draining", toDo: "nothing: it says itself that it takes no more" };
    case "silent":
      return { says: "timeout", toDo: "is the address right, and does a firewall drop what is sent there?" };
    case "failed":
      return failed(status, secret);
  }
}

function failed(status: number | null, secret: string | null): Told {
  if (status === null) {
    return { says: "refused", toDo: "is it running, and may this machine reach it? It is looked at again and again" };
  }
  if (status === 401 || status === 403) {
    const toDo =
      secret === null
        ? 'it wants a key: name its secret under "auth"'
        : `it does not take the key: is ${secret} the right one?`;
    return { says: `${status}`, toDo };
  }
  if (status === 404)
    return { says: "404", toDo: 'is "url" right? Its health path is asked: "health": {"path": "/…"}' };
  return { says: `HTTP ${status}`, toDo: "look into its own log" };
}
