/**
 * The OpenAPI document of this router, as JSON: `tools/cli/built-modules.ts` puts it in the place of this module when the
 * Worker is built. Empty: there was no build.
 */
export const openApiText: string = "";
