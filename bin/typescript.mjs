/**
 * Lets Node run this package's TypeScript below `node_modules`, where it refuses to by itself: types are taken off when a
 * file is read, as Node does elsewhere. Other packages' files are none of its business.
 */
import { readFileSync } from "node:fs";
import { registerHooks, stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";

const root = new URL("../", import.meta.url).href;

registerHooks({
  load(url, context, next) {
    if (!url.startsWith(root) || !url.endsWith(".ts") || url.slice(root.length).includes("node_modules/")) {
      return next(url, context);
    }
    const source = stripTypeScriptTypes(readFileSync(fileURLToPath(url), "utf8"));
    return { format: "module", source, shortCircuit: true };
  },
});
