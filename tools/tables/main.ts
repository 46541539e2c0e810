/**
 * `npm run tables`: writes the tables that are made from other people's data, which comes with development
 * dependencies and does not ship. `--check` writes nothing and fails when a committed table is not what the data says.
 */
import { join } from "node:path";
import { say, writeOrCheck } from "../cli/generated.ts";
import type { Generated } from "../cli/generated.ts";
import { ibanLengths } from "./iban-lengths.ts";
import { lookAlikes } from "./look-alikes.ts";
import { worldLand } from "./world-land.ts";

export const TABLES: readonly Generated[] = [ibanLengths, lookAlikes, worldLand];

if (import.meta.main)
  say(writeOrCheck(TABLES, "npm run tables", process.argv.slice(2), join(import.meta.dirname, "../..")));
