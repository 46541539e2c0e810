/**
 * Reads the few figures that routing needs off a Prometheus text, which an engine writes in full every time.
 *
 * Model. One pass over the lines; a line is looked at only as far as its name, unless the name is wanted. Whatever is
 * no sample (a comment, a broken line, a value that is no finite number) is passed over: a format that gains a member
 * must not blind the reader. An engine is not trusted with memory or time: bytes are bounded by whoever reads them from
 * the network (METRICS_BYTES_MAX), samples and labels here.
 * Source: Prometheus text exposition format 0.0.4. Rejected: a library, which builds every histogram of a hundred
 * kilobytes to read five gauges.
 */

/** vLLM writes some 60 KB a model, with every histogram. */
export const METRICS_BYTES_MAX = 1_048_576;
/** Of wanted names: engines with data parallelism have a sample a rank and gauge. */
export const SAMPLES_MAX = 1_024;
/** A label value that is longer is cut: only names of adapters are long, and a list of 64 of them fits. */
export const LABEL_CHARS_MAX = 8_192;
const LABELS_MAX = 64;

type Sample = { readonly labels: ReadonlyMap<string, string>; readonly value: number };

/** Samples by name, of the names that are `wanted`. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/y;
const LABEL = /[\s,]*([a-zA-Z_][a-zA-Z0-9_]*)="/y;
const END_OF_LABELS = /[\s,]*\}/y;
/** A value, and a time stamp that is not read. */
const VALUE = /[ \t]+([-+0-9.eE]{1,40})(?:[ \t]+-?[0-9]{1,20})?[ \t\r]*$/y;

export function readSamples(text: string, wanted: ReadonlySet<string>): Samples {
  const found = new Map<string, Sample[]>();
  let left = SAMPLES_MAX;
  for (let from = 0; from < text.length && left > 0;) {
    const newline = text.indexOf("\n", from);
    const end = newline === -1 ? text.length : newline;
    const name = matchAt(NAME, text, from)?.[0];
    if (name !== undefined && wanted.has(name)) {
      const sample = readSample(text.slice(from + name.length, end));
      if (sample !== null) {
        left -= 1;
        const known = found.get(name);
        if (known === undefined) found.set(name, [sample]);
        else known.push(sample);
      }
    }
    from = end + 1;
  }
  return found;
}

/** What follows a name on its line. */
function readSample(line: string): Sample | null {
  const labels = new Map<string, string>();
  let at = 0;
  if (line.startsWith("{")) {
    at = 1;
    for (;;) {
      const closed = matchAt(END_OF_LABELS, line, at);
      if (closed !== null) {
        at += closed[0].length;
        break;
      }
      const label = matchAt(LABEL, line, at);
      if (label === null || labels.size >= LABELS_MAX) return null;
      const quoted = readQuoted(line, at + label[0].length);
      if (quoted === null) return null;
      labels.set(label[1] ?? "", quoted.text);
      at = quoted.end;
    }
  }
  const value = Number(matchAt(VALUE, line, at)?.[1] ?? Number.NaN);
  return Number.isFinite(value) ? { labels, value } : null;
}

/** The text from `from` to the next bare quote, cut at LABEL_CHARS_MAX, and where it ends; null: it never does. */
function readQuoted(line: string, from: number): { readonly text: string; readonly end: number } | null {
  let text = "";
  // Every character is looked at once: an engine that writes nothing but escapes costs no more than any other.
  for (let at = from; at < line.length; at++) {
    let char = line.charAt(at);
    if (char === '"') return { text, end: at + 1 };
    if (char === "\\") {
      at += 1;
      char = line.charAt(at) === "n" ? "\n" : line.charAt(at);
    }
    if (text.length < LABEL_CHARS_MAX) text += char;
  }
  return null;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}
