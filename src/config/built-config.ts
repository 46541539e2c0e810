/**
 * The bundled config as it was read and checked when the Worker was built: `tools/cli/built-modules.ts` puts it in the
 * place of this module. Null: there was no build, or the file is wrong; an isolate then reads its text, and says so.
 */
import type { Config } from "./config.ts";

export const builtConfig: Config | null = null;
