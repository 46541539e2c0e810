/** Stands in for `tools/sim/production/prompt-key.ts`: clients name no session, and prompts have no key. */
export const promptKey = (): null => null;
