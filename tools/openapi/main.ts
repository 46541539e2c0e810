/** `npm run openapi`: the OpenAPI document of this router, for a file, a generator of clients, or a linter. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openApiDocument } from "./document.ts";

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
  readonly version: string;
};

/** The whole text, as it is also served. */
export const openApiText = (): string => JSON.stringify(openApiDocument(version));

if (import.meta.main) process.stdout.write(`${openApiText()}\n`);
