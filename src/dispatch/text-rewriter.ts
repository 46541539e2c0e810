/**
 * Lets JavaScript see and change the text of a stream while its bytes stay native.
 *
 * Model. The platform's HTML rewriter pulls bytes through without JavaScript and calls a handler with each piece
 * of text, decoded; it sends on what the handler leaves alone as it came. Behind a `<plaintext>` tag, HTML is
 * text to its very end, so the stream is opened with one, which the rewriter takes out again: from there on
 * nothing in the stream is markup. A test holds it to every byte.
 * Source: the HTML standard, 13.2.5.5 (PLAINTEXT state), and Cloudflare's HTMLRewriter.
 * Rejected: a loop of `read` and `write`, which costs two resumptions of the isolate for each piece where this costs
 * one (docs/explanation/performance.md has the measurement); and a `TransformStream`, which costs more than the loop.
 */
import type { TextRun } from "../translate/core/told.ts";

/** Stands before the first byte of a stream that is to be rewritten. */
export const STREAM_OPENING: Uint8Array = new TextEncoder().encode("<plaintext>");

/** `body` begins with STREAM_OPENING. */
export function rewriteText(body: ReadableStream<Uint8Array>, run: TextRun): ReadableStream<Uint8Array> | null {
  const rewriter = new HTMLRewriter()
    .on("plaintext", { element: (element) => void element.removeAndKeepContent() })
    .onDocument({
      text: (chunk) => {
        const { text } = chunk;
        const out = run.push(text);
        if (out !== text) chunk.replace(out, { html: true });
      },
      end: (end) => {
        const out = run.end();
        if (out !== "") end.append(out, { html: true });
      },
    });
  return rewriter.transform(new Response(body)).body;
}
