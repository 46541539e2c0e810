/**
 * Decides what of a config may be shown in a message: nothing that could be a secret which someone pasted into the
 * wrong place.
 *
 * Model: masks keep the length, so that a caret still points at its column. Two rules: what stands behind a key that
 * speaks of a secret, and what looks like one anywhere. The second is a guess that errs towards hiding.
 * Rejected: showing no source line at all, which is the most useful part of the message.
 */
const MASK = "•";
const SENSITIVE = /secret|hmac|token|password|credential|api[-_]?key|auth/i;

/** Does the last key of a path speak of a secret? The last only: a pool called "tokenizer" hides nothing. */
export const isSensitive = (path: string): boolean => SENSITIVE.test(path.slice(path.lastIndexOf(".") + 1));

/** A source line (or a part of it) for a message; `secretAt`: where, from 0, values begin that must not be shown. */
export function maskLine(line: string, secretAt: number | null): string {
  const plain = plainText(line);
  const rest = secretAt === null ? plain : plain.slice(0, secretAt) + maskStrings(plain.slice(secretAt));
  return maskSecrets(maskNamed(rest));
}

/** One column per character, and nothing a terminal would obey. */
export const plainText = (text: string): string => text.replace(/\p{C}|\s/gu, (found) => " ".repeat(found.length));

const maskAll = (text: string): string => MASK.repeat(text.length);

/** Every string that is no key; `text` starts outside of a string. */
const maskStrings = (text: string): string =>
  text.replace(/"((?:[^"\\]|\\.)*)("\s*:)?/g, (whole, inner: string, colon: string | undefined) =>
    colon === undefined ? `"${maskAll(inner)}` : whole,
  );

/** The strings behind a key that speaks of a secret, unless they are the NAME of one. */
const maskNamed = (line: string): string =>
  line.replace(/"([^"]*)"(\s*:\s*)"((?:[^"\\]|\\.)*)/g, (whole, name: string, colon: string, inner: string) =>
    SENSITIVE.test(name) && !/^[A-Z][A-Z0-9_]*$/.test(inner) ? `"${name}"${colon}"${maskAll(inner)}` : whole,
  );

/**
 * Masks what looks like a key, a digest or a password in a URL: long runs of letters and digits, few separators.
 * Names and ids (`NVIDIA_GEFORCE_RTX_4090`, `llama-3-1-8b-instruct`) have short parts and stay readable.
 */
export function maskSecrets(text: string): string {
  return text
    .replace(/\/\/[^/@\s"]+@/g, (found) => `//${maskAll(found.slice(2, -1))}@`)
    .replace(/[A-Za-z0-9_\-+=~]{20,}/g, (run) => (looksSecret(run) ? run.slice(0, 3) + maskAll(run.slice(3)) : run));
}

function looksSecret(run: string): boolean {
  if (!/[0-9]/.test(run) || !/[A-Za-z]/.test(run)) return false;
  if (/^(?:sk|pk|rpa|wp|hf|ghp|glpat|xox[a-z])[-_]/.test(run)) return true;
  const parts = run.split(/[-_+=~]+/);
  return run.length / parts.length >= 10;
}
