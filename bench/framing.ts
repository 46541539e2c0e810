/** Takes HTTP's framing off an answer that was read from a raw socket: a chunk may end within an event. */

/** `answer` and its body as Latin-1, one character a byte. What is broken off is read as far as it came. */
export function bodyOf(answer: string): string {
  const headEnd = answer.indexOf("\r\n\r\n");
  if (headEnd < 0) return "";
  const body = answer.slice(headEnd + 4);
  return /\r\ntransfer-encoding: chunked\r\n/i.test(answer.slice(0, headEnd + 2)) ? joinedChunks(body) : body;
}

function joinedChunks(body: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < body.length;) {
    const lineEnd = body.indexOf("\r\n", at);
    const bytes = lineEnd < 0 ? 0 : Number.parseInt(body.slice(at, lineEnd), 16);
    if (!(bytes > 0)) break;
    pieces.push(body.slice(lineEnd + 2, lineEnd + 2 + bytes));
    at = lineEnd + 2 + bytes + 2;
  }
  return pieces.join("");
}
