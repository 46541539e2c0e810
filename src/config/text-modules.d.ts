/** The bundled default config, imported as text; `tools/cli/build.ts` and `vitest.config.ts` load it that way. */
declare module "*.jsonc" {
  const text: string;
  export default text;
}
