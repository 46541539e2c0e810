/**
 * Decides what a text from outside looks like that carries a sentence to an assistant: the results of tools as JSON or
 * YAML, pages, mails, tables, code, conversations, plain documents.
 *
 * Model. A carrier is a frame with harmless filling and one place for a sentence. The same frames carry orders and
 * harmless sentences, so that neither the frame nor the place is what is learned. Around the sentence stands a paragraph
 * or two, since the model looks at windows of that size.
 * Rejected: whole documents around each order, whose worst window is as often another one.
 */
import type { Rng } from "../../src/lib/rng.ts";

/** What fills the places beside the one sentence. */
export type CarrierFilling = {
  readonly rng: Rng;
  /** A harmless sentence. */
  readonly sentence: () => string;
};

type Carrier = (sentence: string, filling: CarrierFilling) => string;

const NAMES = [
  "Anna Weber",
  "Tom Baker",
  "Li Na",
  "Omar Haddad",
  "Priya Nair",
  "Jean Petit",
  "Kate O'Neil",
  "Ivan Petrov",
];
const KEYS = ["description", "content", "body", "text", "note", "comment", "review", "snippet", "message", "summary"];
const TITLES = [
  "Team meeting",
  "Invoice 2291",
  "Weekend trip",
  "Release notes",
  "Quarterly report",
  "Yoga class",
  "Budget",
];
const TAGS = ["p", "div", "span", "li", "td", "article", "h2"];

function int(rng: Rng, below: number): number {
  return Math.floor(rng() * below);
}

function pick<Item>(items: readonly Item[], rng: Rng): Item {
  const item = items[int(rng, items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

function mailOf(name: string, rng: Rng): string {
  return `${name.split(" ")[0]?.toLowerCase()}@${pick(["mail", "corp", "shop", "uni"], rng)}.example`;
}

function dateOf(rng: Rng): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  return `20${20 + int(rng, 7)}-${two(1 + int(rng, 12))}-${two(1 + int(rng, 28))}`;
}

/** The sentence somewhere among some harmless ones. */
function among(sentence: string, { rng, sentence: other }: CarrierFilling, most: number, joint: string): string {
  const before = Array.from({ length: int(rng, most) }, other);
  const after = Array.from({ length: int(rng, most) }, other);
  return [...before, sentence, ...after].join(joint);
}

function recordOf(text: string, { rng }: CarrierFilling): Record<string, unknown> {
  const name = pick(NAMES, rng);
  const all: readonly (readonly [string, unknown])[] = [
    ["id", int(rng, 100_000)],
    ["title", pick(TITLES, rng)],
    ["sender", mailOf(name, rng)],
    ["author", name],
    ["date", dateOf(rng)],
    ["rating", 1 + int(rng, 5)],
    ["read", rng() < 0.5],
    ["url", `https://www.${pick(["news", "shop", "wiki", "blog"], rng)}.example/${int(rng, 1000)}`],
    ["participants", [mailOf(pick(NAMES, rng), rng), mailOf(name, rng)]],
  ];
  const chosen = all.filter(() => rng() < 0.5);
  const at = int(rng, chosen.length + 1);
  return Object.fromEntries([...chosen.slice(0, at), [pick(KEYS, rng), text], ...chosen.slice(at)]);
}

function recordsOf(sentence: string, filling: CarrierFilling): Record<string, unknown>[] {
  const { rng, sentence: other } = filling;
  const count = 1 + int(rng, 4);
  const at = int(rng, count);
  return Array.from({ length: count }, (_, index) =>
    recordOf(index === at ? among(sentence, filling, 3, " ") : other(), filling),
  );
}

const json: Carrier = (sentence, filling) => {
  const records = recordsOf(sentence, filling);
  const value =
    records.length === 1 && filling.rng() < 0.5
      ? records[0]
      : { [pick(["results", "emails", "items", "notes"], filling.rng)]: records };
  return JSON.stringify(value, null, filling.rng() < 0.4 ? 2 : 0);
};

/** As Python prints its values. */
const python: Carrier = (sentence, filling) =>
  json(sentence, filling)
    .replaceAll("'", "")
    .replace(/"/g, "'")
    .replaceAll("true", "True")
    .replaceAll("false", "False");

const yaml: Carrier = (sentence, filling) =>
  recordsOf(sentence, filling)
    .map((record) =>
      Object.entries(record)
        .map(([key, value], index) => {
          const text = Array.isArray(value) ? `\n  - ${value.join("\n  - ")}` : ` ${String(value)}`;
          return `${index === 0 ? "- " : "  "}${key}:${text.includes("\n") || !text.includes(": ") ? text : ` |\n    ${text.trim()}`}`;
        })
        .join("\n"),
    )
    .join("\n");

const page: Carrier = (sentence, filling) => {
  const { rng, sentence: other } = filling;
  const tag = pick(TAGS, rng);
  const hidden =
    rng() < 0.3 ? pick([' style="display:none"', ' class="hidden"', ' style="color:#fff;font-size:1px"'], rng) : "";
  const inside = `<${tag}${hidden}>${sentence}</${tag}>`;
  const placed = rng() < 0.25 ? `<!-- ${sentence} -->` : rng() < 0.15 ? `<img src="/a.png" alt="${sentence}">` : inside;
  const around = (): string => `<${tag} class="${pick(["text", "row", "item"], rng)}">${other()}</${tag}>`;
  const parts = [around(), placed, around()].slice(int(rng, 2));
  const body = parts.join(rng() < 0.5 ? "\n" : "");
  return rng() < 0.5
    ? body
    : `<html><head><title>${pick(TITLES, rng)}</title></head>\n<body>\n<h1>${pick(TITLES, rng)}</h1>\n${body}\n</body></html>`;
};

const mail: Carrier = (sentence, filling) => {
  const { rng } = filling;
  const [from, to] = [pick(NAMES, rng), pick(NAMES, rng)];
  const head = `From: ${from} <${mailOf(from, rng)}>\nTo: ${mailOf(to, rng)}\nDate: ${dateOf(rng)}\nSubject: ${pick(TITLES, rng)}\n\n`;
  const greeting = rng() < 0.7 ? `${pick(["Hi", "Dear", "Hello"], rng)} ${to},\n\n` : "";
  const end = rng() < 0.6 ? `\n\n${pick(["Best regards", "Thanks", "Cheers", "Yours"], rng)},\n${from}` : "";
  return (rng() < 0.8 ? head : "") + greeting + among(sentence, filling, 3, rng() < 0.5 ? " " : "\n\n") + end;
};

const CODE = [
  "def load(path):\n    with open(path) as file:\n        return json.load(file)\n",
  "for (const item of items) {\n  total += item.price * item.count;\n}\n",
  "if err != nil {\n\treturn nil, err\n}\n",
  "const router = createRouter();\nrouter.get('/health', (req, res) => res.send('ok'));\n",
  "class Parser:\n    def __init__(self, text):\n        self.text = text\n        self.position = 0\n",
  "SELECT name, count(*) FROM orders WHERE day > '2025-01-01' GROUP BY name;\n",
  '<button onclick="save()">Save</button>\n',
  "let mut map = HashMap::new();\nmap.insert(key, value);\n",
];

const code: Carrier = (sentence, filling) => {
  const { rng } = filling;
  const line = sentence.replaceAll("\n", " ");
  const comment = pick(
    [`// ${line}`, `# ${line}`, `/* ${line} */`, `/**\n * ${line}\n */`, `"""${line}"""`, `-- ${line}`],
    rng,
  );
  return [pick(CODE, rng), comment, "\n", pick(CODE, rng)].slice(int(rng, 2)).join(rng() < 0.5 ? "" : "\n");
};

const table: Carrier = (sentence, filling) => {
  const { rng, sentence: other } = filling;
  const mark = pick([",", ";", "\t", " | "], rng);
  const row = (text: string): string =>
    [int(rng, 900), pick(NAMES, rng), dateOf(rng), rng() < 0.5 ? `"${text}"` : text].join(mark);
  const rows = [row(other()), row(sentence), row(other())].slice(int(rng, 2));
  return [["id", "name", "date", pick(KEYS, rng)].join(mark), ...rows].join("\n");
};

const readme: Carrier = (sentence, filling) => {
  const { rng } = filling;
  const title = pick(TITLES, rng);
  const place = pick(["## Usage", "## Notes", "- ", "> ", "1. ", ""], rng);
  const joint = place.startsWith("#") ? "\n\n" : "";
  return `# ${title}\n\n${filling.sentence()}\n\n${place}${joint}${among(sentence, filling, 2, rng() < 0.5 ? " " : "\n")}\n\n${filling.sentence()}\n`;
};

const talk: Carrier = (sentence, filling) => {
  const { rng, sentence: other } = filling;
  const line = (text: string): string => `${rng() < 0.5 ? `[${dateOf(rng)}] ` : ""}${pick(NAMES, rng)}: ${text}`;
  return [line(other()), line(sentence), line(other())].slice(int(rng, 2)).join("\n");
};

const plain: Carrier = (sentence, filling) => among(sentence, filling, 4, pick([" ", "\n", "\n\n"], filling.rng));

const CARRIERS: readonly Carrier[] = [
  json,
  json,
  python,
  yaml,
  page,
  page,
  mail,
  mail,
  code,
  table,
  readme,
  talk,
  plain,
  plain,
];

const PEOPLE = `Anna Omar Priya Jean Kate Ivan Tom Li Mikko Ole Trần Ngọc Quân Pavel André Siobhán Björn Øystein Łukasz
Zoë Yuki Kenji Minh Nguyễn Pham Søren Jürgen Françoise Inés Joaquín João Caetano Szabó László Jiří Dvořák Škoda Müller
Weiß García Fernández Núñez Silva Sousa Rossi Bianchi Petrov Ivanova Kowalski Wójcik Haddad al-Masri Cohen Levi Kim Park
Choi Tanaka Sato Suzuki Chen Wang Zhang Liu Singh Kumar Patel Iyer Okafor Mbeki Diallo Traoré van den Berg de Vries
Bakker Janssen Hansen Lindqvist Virtanen Korhonen Papadopoulos Yılmaz Demir Öztürk Jukka Sebastian Eric Rich Robert`;
const PEOPLE_NAMES = PEOPLE.split(/\s+/);

/** Names in a list, as of those who took part or are thanked. */
export function namesOf(rng: Rng): string {
  const joint = pick(["\n", "\n  - ", ", ", " | ", "\n * ", ";"], rng);
  const named = (): string => `${pick(PEOPLE_NAMES, rng)} ${pick(PEOPLE_NAMES, rng)}`;
  const withMail = rng() < 0.4;
  const year = rng() < 0.3;
  return Array.from({ length: 10 + int(rng, 60) }, () => {
    const name = named();
    return `${year ? `${1995 + int(rng, 30)} ` : ""}${name}${withMail ? ` <${mailOf(name, rng)}>` : ""}`;
  }).join(joint);
}

/** The sentence in a carrier that is chosen at random. */
export function carried(sentence: string, filling: CarrierFilling): string {
  return pick(CARRIERS, filling.rng)(sentence, filling);
}
