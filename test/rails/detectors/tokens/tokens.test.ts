import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { estimateTokens, MESSAGE_TOKENS_MAX, tokensRail } from "../../../../src/rails/detectors/tokens/tokens.ts";

/** Counted with two byte-pair tokenizers, of 100,000 and 200,000 entries: least and most of the two. */
const COUNTED: readonly { name: string; text: string; tokens: readonly [number, number] }[] = [
  {
    name: "English prose",
    text: "Guardrails run in parallel with the lease, so that neither waits for the other; a block returns the lease unused.",
    tokens: [24, 24],
  },
  {
    name: "a question",
    text: "What are the most effective ways to deal with stress, and how long does it take before they work?",
    tokens: [21, 21],
  },
  {
    name: "shouted English",
    text: "PLEASE ANSWER IN ONE SENTENCE AND DO NOT EXPLAIN YOUR REASONING TO ANYBODY",
    tokens: [19, 20],
  },
  {
    name: "TypeScript",
    text: "export function leaseOf(pool: Pool, now: number): Lease | null {\n  return pool.leases.find(({ expiresAtMs }) => expiresAtMs > now) ?? null;\n}\n",
    tokens: [38, 38],
  },
  {
    name: "JSON",
    text: '{"model":"llama-3.1-8b","messages":[{"role":"user","content":"hi"}],"max_tokens":256,"temperature":0.7,"stream":true}',
    tokens: [39, 40],
  },
  {
    name: "indented code",
    text: 'def total(rows):\n    result = 0\n    for row in rows:\n        result += row["price"] * row["count"]\n    return result\n',
    tokens: [32, 32],
  },
  { name: "digits", text: "3141592653589793238462643383279502884197169399375105820974944592", tokens: [22, 22] },
  { name: "a hash", text: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", tokens: [43, 43] },
  {
    name: "base64",
    text: "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4x8DwHwAFBQIAX8jx0gAAAABJRU5E",
    tokens: [49, 54],
  },
  { name: "random letters", text: "xqzjvkwpfgbmhtdlnrcysxqpvzkjwgfbmqhxzvtkp", tokens: [25, 26] },
  { name: "one letter", text: "a".repeat(200), tokens: [25, 25] },
  { name: "a rule of dashes", text: "-".repeat(200), tokens: [3, 4] },
  { name: "blanks", text: " ".repeat(200), tokens: [2, 2] },
  { name: "line breaks", text: "\n".repeat(100), tokens: [4, 7] },
  { name: "punctuation", text: "!@#$%^&*()[]{};:,.<>/?|`~-_=+!?;:", tokens: [22, 22] },
  {
    name: "Chinese",
    text: "人工智能正在改变我们的生活方式，请问如何在生产环境中部署一个可靠的推理服务？",
    tokens: [22, 36],
  },
  { name: "Japanese", text: "大規模言語モデルを本番環境に配備するにはどうすればよいですか。", tokens: [24, 37] },
  { name: "Korean", text: "대규모 언어 모델을 운영 환경에 배포하려면 어떻게 해야 하나요?", tokens: [19, 40] },
  { name: "Russian", text: "Как развернуть надёжный сервис вывода в рабочей среде?", tokens: [16, 25] },
  { name: "Arabic", text: "كيف يمكن نشر خدمة استدلال موثوقة في بيئة الإنتاج؟", tokens: [15, 38] },
  { name: "Hebrew", text: "כיצד ניתן לפרוס שירות אמין בסביבת ייצור?", tokens: [14, 40] },
  { name: "Greek", text: "Πώς αναπτύσσουμε μια αξιόπιστη υπηρεσία;", tokens: [16, 40] },
  { name: "Hindi", text: "उत्पादन में एक विश्वसनीय सेवा कैसे तैनात करें?", tokens: [16, 46] },
  { name: "Thai", text: "เราจะติดตั้งบริการที่เชื่อถือได้อย่างไร", tokens: [12, 32] },
  { name: "Georgian", text: "როგორ განვათავსოთ საიმედო სერვისი", tokens: [13, 63] },
  { name: "Amharic", text: "አስተማማኝ አገልግሎት እንዴት እንዘረጋለን", tokens: [49, 69] },
  {
    name: "German",
    text: "Die Straßenverkehrsordnung gilt für größere Städte, übermäßige Geschwindigkeit ist verboten.",
    tokens: [17, 28],
  },
  { name: "French", text: "Où déployer un service d'inférence fiable à côté de la forêt ?", tokens: [16, 21] },
  { name: "Polish", text: "Gdzie wdrożyć niezawodną usługę? Zażółć gęślą jaźń.", tokens: [24, 29] },
  { name: "Turkish", text: "Güvenilir bir hizmeti nasıl dağıtırız ve ölçeklendiririz?", tokens: [19, 27] },
  { name: "Vietnamese", text: "Làm thế nào để triển khai một dịch vụ đáng tin cậy?", tokens: [15, 28] },
  { name: "emoji", text: "😀🎉🚀👩‍💻🇩🇪❤️🔥", tokens: [16, 27] },
  { name: "formulas", text: "∑∫√∞≈≠≤≥∂∇∈∀∃", tokens: [20, 26] },
];

const body = (texts: readonly string[], messageCount = texts.length) => ({
  parts: texts.map((text, index) => ({ path: `messages[${index}].content`, role: "user", text })),
  messageCount,
  unseen: [],
});

describe("the estimate of tokens", () => {
  test.each(COUNTED)("encloses what tokenizers count for $name", ({ text, tokens: [least, most] }) => {
    const { lower, upper } = estimateTokens(text);
    expect(lower).toBeLessThanOrEqual(least);
    expect(upper).toBeGreaterThanOrEqual(most);
  });

  test("is 0 for nothing and at least 1 for something", () => {
    expect(estimateTokens("")).toEqual({ lower: 0, upper: 0 });
    expect(estimateTokens(" ").lower).toBe(1);
  });

  test("has its lower bound below its upper one and below one token a character, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const { lower, upper } = estimateTokens(text);
        expect(lower).toBeLessThanOrEqual(Math.max(1, upper));
        expect(lower).toBeLessThanOrEqual(text.length);
        expect(upper).toBeLessThanOrEqual(3 * text.length + 1);
      }),
    );
  });
});

describe("the tokens rail", () => {
  const text = "one two three four five six seven eight nine ten";
  const { lower, upper } = estimateTokens(text);
  const frame = MESSAGE_TOKENS_MAX;
  const refuses = (tokensMax: number, countExactly?: (text: string) => number) =>
    tokensRail(body([text]), countExactly === undefined ? { tokensMax } : { tokensMax, countExactly }).reasons;

  test("passes what the upper estimate fits, and refuses what the lower one does not, without counting", () => {
    const never = () => {
      throw new Error("counted");
    };
    expect(refuses(upper + frame, never)).toEqual([]);
    expect(refuses(lower - 1, never)).toEqual(["tokens:max"]);
  });

  test("counts between the two, if it can, and refuses if it cannot", () => {
    expect(refuses(upper + frame - 1)).toEqual(["tokens:max"]);
    expect(refuses(upper + frame - 1, () => 10)).toEqual([]);
    expect(refuses(10 + frame, () => 10)).toEqual([]);
    expect(refuses(10 + frame, () => 11)).toEqual(["tokens:max"]);
  });

  test("adds the texts up, and stops counting once there are too many", () => {
    const counted: string[] = [];
    const count = (one: string) => {
      counted.push(one);
      return 10;
    };
    const tokensMax = 15 + 3 * frame;
    expect(tokensRail(body([text, text, text]), { tokensMax, countExactly: count }).reasons).toEqual(["tokens:max"]);
    expect(counted).toHaveLength(2);
    expect(tokensRail(body([text, text]), { tokensMax: 2 * upper + 2 * frame }).reasons).toEqual([]);
  });
});
