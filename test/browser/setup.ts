/** Runs once before the tests of the project "browser": finds the browser, or says why there is none. */
import type { TestProject } from "vitest/node";
import { findOrInstall, thisHost } from "./chromium.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Path of the browser; null where the tests are to be skipped. */
    readonly chromium: string | null;
  }
}

export function setup(project: TestProject): void {
  const found = findOrInstall(thisHost);
  if (found.ok) {
    project.provide("chromium", found.value);
    return;
  }
  if ((process.env["CI"] ?? "") !== "") throw new Error(`${found.error} The browser tests must run in CI.`);
  console.warn(`The browser tests are skipped. ${found.error}`);
  project.provide("chromium", null);
}
