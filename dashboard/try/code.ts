/**
 * The request of the panel "Try it" as code to copy: curl, and OpenAI's libraries for JavaScript and Python. The key is a
 * variable of the reader's environment: the page has none, and one that is pasted into a shell stays in its history.
 */
export type TryRequest = {
  /** Where the router is, without a slash at the end. */
  readonly origin: string;
  readonly model: string;
  readonly prompt: string;
  readonly stream: boolean;
  readonly maxTokens: number;
};

export const LANGUAGES = ["curl", "JavaScript", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

/** The name under which the copied code looks for a key. */
const KEY = "WARMPATH_KEY";

export function bodyOf({ model, prompt, stream, maxTokens }: TryRequest): Readonly<Record<string, unknown>> {
  return { model, messages: [{ role: "user", content: prompt }], max_tokens: maxTokens, ...(stream && { stream }) };
}

export function codeOf(language: Language, request: TryRequest): string {
  switch (language) {
    case "curl":
      return curl(request);
    case "JavaScript":
      return javascript(request);
    case "Python":
      return python(request);
  }
}

function curl(request: TryRequest): string {
  const { origin, stream } = request;
  return [
    `curl -i${stream ? "N" : ""} ${shell(`${origin}/v1/chat/completions`)} \\`,
    `  -H "authorization: Bearer $${KEY}" \\`,
    `  -H 'content-type: application/json' \\`,
    `  -d ${shell(JSON.stringify(bodyOf(request)))}`,
  ].join("\n");
}

function javascript({ origin, model, prompt, stream, maxTokens }: TryRequest): string {
  const call = [
    `  model: ${JSON.stringify(model)},`,
    `  messages: [{ role: "user", content: ${JSON.stringify(prompt)} }],`,
    `  max_tokens: ${maxTokens},`,
    ...(stream ? ["  stream: true,"] : []),
  ];
  const head = [
    'import OpenAI from "openai";',
    "",
    `const client = new OpenAI({ baseURL: ${JSON.stringify(`${origin}/v1`)}, apiKey: process.env.${KEY} });`,
    `const answer = await client.chat.completions.create({`,
    ...call,
    "});",
  ];
  const tail = stream
    ? ["for await (const chunk of answer) {", '  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");', "}"]
    : ["console.log(answer.choices[0]?.message?.content);"];
  return [...head, ...tail].join("\n");
}

/** JSON's strings are Python's too. */
function python({ origin, model, prompt, stream, maxTokens }: TryRequest): string {
  const head = [
    "import os",
    "from openai import OpenAI",
    "",
    `client = OpenAI(base_url=${JSON.stringify(`${origin}/v1`)}, api_key=os.environ["${KEY}"])`,
    "answer = client.chat.completions.create(",
    `    model=${JSON.stringify(model)},`,
    `    messages=[{"role": "user", "content": ${JSON.stringify(prompt)}}],`,
    `    max_tokens=${maxTokens},`,
    ...(stream ? ["    stream=True,"] : []),
    ")",
  ];
  const tail = stream
    ? [
        "for chunk in answer:",
        "    if chunk.choices:",
        '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
      ]
    : ["print(answer.choices[0].message.content)"];
  return [...head, ...tail].join("\n");
}

/** One word of a POSIX shell, whatever is in it. */
const shell = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
