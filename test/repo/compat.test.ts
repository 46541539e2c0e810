/** The matrix of clients is of the clients that the code tries: the command itself, which needs them all, does not run here. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CLIENTS } from "../../compat/clients.ts";
import { FEATURES } from "../../compat/feature-list.ts";
import type { FeatureId } from "../../compat/feature-list.ts";
import { compatReference } from "../../compat/page.ts";
import { readResults } from "../../compat/results.ts";
import { SDK_GROUPS } from "../../compat/sdk-groups.ts";

const root = join(import.meta.dirname, "../..");
const results = readResults();
const features = Object.keys(FEATURES) as FeatureId[];
const cells = CLIENTS.flatMap(({ id, without, faults }) =>
  features.map((feature) => ({
    id,
    feature,
    cell: results.clients[id]?.cells[feature],
    without: without?.[feature],
    fault: faults?.[feature],
  })),
);

test("every client was tried for every feature that it has", () => {
  const untried = cells.filter(({ cell, without }) => (cell === undefined) === (without === undefined));
  expect(untried).toEqual([]);
  expect(Object.keys(results.clients)).toEqual(CLIENTS.map(({ id }) => id));
});

test("what fails is explained, and nothing is explained that does not fail", () => {
  expect(cells.filter(({ cell, fault }) => (cell?.result === "fail") !== (fault !== undefined))).toEqual([]);
});

test("what was skipped says why", () => {
  expect(cells.filter(({ cell }) => cell?.result === "skipped" && (cell.why ?? "") === "")).toEqual([]);
});

test("the versions in the matrix are those that the clients are installed in", () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, "compat/package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const pinned = ["requirements.txt", "requirements-llamaindex.txt"].flatMap((name) =>
    readFileSync(join(root, "compat", name), "utf8").split("\n"),
  );
  const known = [
    ...Object.entries(dependencies).map(([name, version]) => [name, version.replace(/^.*@/, "")]),
    ...pinned.map((line) => line.split("==")),
  ];
  const told = CLIENTS.flatMap(({ id }) => results.clients[id]?.version.split(", ") ?? []).map((text) =>
    text.split(" "),
  );
  const stale = told.filter(([name, version]) => {
    const versions = known.filter(([at]) => at === name || at === `${name ?? ""}-6`).map(([, pin]) => pin);
    return versions.length > 0 && !versions.includes(version);
  });
  expect(stale).toEqual([]);
});

test("an example is there for each client that names one", () => {
  expect(
    CLIENTS.filter(({ example }) => example !== undefined && !existsSync(join(root, "examples", example))),
  ).toEqual([]);
});

test("OpenAI's tests that fail are explained, method by method, and no other", () => {
  const groups = results.sdkTests?.groups ?? {};
  expect(Object.keys(groups).toSorted()).toEqual(results.sdkTests === null ? [] : Object.keys(SDK_GROUPS).toSorted());
  const failing = Object.entries(groups).map(([name, { failures }]) => [name, Object.keys(failures).toSorted()]);
  const explained = Object.keys(groups).map((name) => [name, Object.keys(SDK_GROUPS[name]?.fails ?? {}).toSorted()]);
  expect(failing).toEqual(explained);
});

test("a failure without an explanation is seen in the page", () => {
  const [client] = CLIENTS;
  const row = { version: "0", cells: { plain: { result: "fail", why: "it said nothing" } } } as const;
  const page = compatReference({ ...results, clients: { [client?.id ?? ""]: row } });
  expect(page).toContain("not explained: it said nothing");
  expect(page).toContain("not tried yet");
});
