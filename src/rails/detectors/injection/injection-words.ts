/**
 * The classes of words that injections are phrased with: what a phrase is made of, in many languages at once.
 *
 * Model. A phrase of an attack is a sequence of classes at a short distance ("drop", "all", "prior", "orders"), not a
 * string: it then holds for synonyms, for words put between, and for languages that no training text covers. The
 * trainer gives each pair and triple of classes its weight; a class by itself says little, since every one of these
 * words has an ordinary use. The last classes are no words but marks of a chat's frame (`injection-roles.ts`).
 * Rejected: a list of literal phrases, which found a fifth of real injections and blocked every eighth harmless prompt
 * with such words (docs/reference/sources.md, Detectors).
 */
import { invariant } from "../../../lib/invariant.ts";

/** Words of each class, folded to lower case and without apostrophes. The position is the class's number, from 1. */
const WORDS: readonly (readonly [name: string, words: string])[] = [
  [
    "drop",
    `ignore ignoring ignored disregard disregarding forget forgetting forgot override overrule overriding bypass neglect
    discard drop erase abandon delete dismiss unlearn reset wipe overlook vergiss vergessen vergesst ignoriere ignorieren
    ignorier missachte missachten verwirf löschen lösche olvida olvide olvidar olvidad ignora ignore ignorar descarta
    desestima oublie oubliez oublier ignorez ignorer néglige négligez dimentica dimenticare dimenticate ignorate scorda
    trascura esqueça esquece esquecer ignorem desconsidere descarte забудь забудьте забыть игнорируй игнорируйте
    игнорировать отбрось unut unutun yoksay görmezden zapomnij zignoruj ignoruj vergeet negeer zaboravi zaboravite
    ignoriraj glem ignorera glöm zapomeň ignorovat uita ignoră lupakan abaikan ігноруй ігноруйте
    забудьте تجاهل انس भूल अनदेखा 忽 忘`,
  ],
  [
    "prior",
    `previous previously prior above preceding earlier former past before beforehand foregoing initial original old
    existing vorherige vorherigen vorigen vorangegangenen vorangehenden bisherigen bisherige obigen obige davor vorher
    zuvor anterior anteriores previas previos antes arriba précédentes précédents précédente antérieures dessus avant
    precedenti precedente sopra prima acima anteriormente предыдущие предыдущих прежние выше прошлые önceki yukarıdaki
    poprzednie vorige eerdere bovenstaande prethodne sebelumnya tidigare попередні
    попередніх раніше السابقة पिछले 이전 이전의 前`,
  ],
  [
    "orders",
    `instruction instructions prompt prompts rule rules directive directives order orders command commands guideline
    guidelines guidance programming training assignments constraints protocols promt instructs told anweisung anweisungen
    befehle befehl regeln aufträge vorgaben instruktionen richtlinien angaben ausführungen aufgaben instrucciones
    instrucción órdenes reglas indicaciones directrices consignes règles directives ordres istruzioni regole ordini
    indicazioni direttive instruções instrução regras ordens diretrizes инструкции инструкций инструкцию указания правила
    команды промпт talimat talimatları talimatlar kuralları komutları instrukcje polecenia zasady instructies opdrachten
    instrukcije naredbe instruktioner instrukce instrucțiunile instruksi perintah інструкції інструкцій
    команди التعليمات تعليمات निर्देश निर्देशों नियमों 지시 지시를 규칙을 指 令`,
  ],
  [
    "all",
    `all any every whole entire each alle alles sämtliche allen ganze gesamten todo todas todos toda
    cualquier tout toutes tous toute tutto tutte tutti tudo всё все всех tüm bütün wszystkie wszystko alle sve semua alla
    усі всі усе جميع सभी सारे 모든 모두 所 全 切`,
  ],
  [
    "reveal",
    `reveal show print output repeat display leak expose disclose dump echo share recite paste spill quote verbatim copy
    divulge zeige zeig zeigen gib ausgeben wiederhole drucke nenne verrate muestra muestre mostrar revela imprime repite
    montre montrez affiche affichez révèle révélez répète mostra mostrami rivela stampa ripeti mostre revele imprima
    repita покажи покажите выведи раскрой повтори напечатай göster yazdır tekrarla ortaya pokaż wyświetl toon herhaal
    pokaži ispiši tunjukkan visa виведи اعرض दिखाओ 출력해 보여줘 显 输 透 露`,
  ],
  [
    "hidden",
    `system hidden secret confidential internal pre initialization startup beginning preamble systemprompt configuration
    system versteckten geheimen sistema ocultas secretas système cachées secrètes nascoste segrete секретные системный
    системные sistem gizli ukryte systemowy verborgen rahasia 系 统`,
  ],
  [
    "persona",
    `pretend pretending act acting roleplay roleplaying simulate simulating imagine impersonate embody character persona
    portray immerse role play playing behave alter ego entity fictional hypothetical fiction scenario story tu fungiere
    fungieren spiele spielst stell rolle actúa actúas finge imagina papel interpreta agis fais semblant imagine rôle joue
    fingi agisci comportati ruolo immagina finja aja atue imagine papel притворись представь веди роль действуй davran
    rol rolü gibi udawaj zachowuj doe speel glumi berpura 扮 演 假 装`,
  ],
  [
    "limits",
    `restriction restrictions restricted limit limits limitation limitations filter filters filtered censorship censor
    censored ethics ethical moral morals morality boundaries safeguards safety policy policies guardrails moderation
    constraints rules regulations norms laws scruples conscience remorse consent consequences openais einschränkungen grenzen filter moral zensur restricciones límites
    filtros censura ética restrictions limites filtres censure éthique restrizioni limiti filtri etica restrições
    ограничений ограничения фильтров цензуры морали kısıtlama sınır filtre ograniczeń beperkingen 限 制 审 查`,
  ],
  [
    "free",
    `unrestricted unfiltered uncensored unlimited unbound freed liberated unleashed unshackled unhinged limitless
    amoral uninhibited unmoderated unsupervised boundless fearless shameless uneingeschränkt ungefiltert unzensiert libre sin censura senza libero livre sem`,
  ],
  [
    "no",
    `no not never without dont doesnt do cant cannot zero none neither wont isnt arent kein keine keinen nicht niemals
    ohne nunca ninguna ningún sans jamais aucune pas non nessuna mai não nunca nenhuma без не никогда никаких yok
    olmadan asla bez nie nigdy geen niet nooit tanpa 不 没 无`,
  ],
  [
    "ai",
    `ai assistant chatgpt gpt chatbot bot model llm openai claude gemini llama bard bing copilot ki modell assistent
    sprachmodell ia modelo asistente modèle assistente modello ии модель ассистент бот yapay asystent`,
  ],
  [
    "now",
    `now henceforth onward onwards forward instead then ab jetzt nun künftig stattdessen ahora desde lugar maintenant
    désormais partir place adesso ora invece agora partir теперь отныне вместо şimdi artık teraz odtąd nu voortaan sada
    sekarang тепер відтепер 지금부터 现`,
  ],
  [
    "you",
    `you your youre yourself youll du dein deine deinen dich dir bist sie ihre ihr eres tú tu tus usted vous votre vos êtes
    toi sei sono tuo tue você seu suas sua ты твои тебя вы ваш ваши sen senin siz sana ty twoje jij je jouw ti kamu 你 您`,
  ],
  [
    "refuse",
    `refuse refuses refusing refusal refusals decline declining sorry apologize apologise apologies apologizing unable
    reject rejects rejected deny denies judge judges disclaimer disclaimers warn warning warnings cant caveats lecture lecturing moralize hesitate hesitation
    verweigere verweigern rechazar negarte refuser refuse rifiutare recusar отказывай отказ отказывайся reddetme`,
  ],
  [
    "mode",
    `mode jailbreak jailbroken dan developer devmode sudo root admin debug unlocked god override maintenance enabled
    activated aim stan dude bypassed entwicklermodus modo desarrollador développeur sviluppatore desenvolvedor режим
    разработчика geliştirici modu tryb 模 式`,
  ],
  [
    "bad",
    `illegal unethical immoral harmful dangerous evil hate offensive explicit nsfw inappropriate controversial swear
    profanity curse malicious unlawful criminal criminals crime vulgar erotic sexual racist violent graphic obscene toxic
    cruel ruthless forbidden prohibited banned taboo taboos weapon weapons drugs bomb malware virus hack meth illegale böse ilegal dañino
    illégal dangereux illegale pericoloso незаконные опасные yasadışı`,
  ],
  [
    "stay",
    `stay stays remain break breaking broken bleib bleibe mantente permanece reste restez rimani permaneça оставайся`,
  ],
  [
    "comply",
    `obey comply complies follow must always shall required answer respond execute befolge obedece obéis obbedisci`,
  ],
  [
    "task",
    `task tasks stop attention new additional following aufgabe aufgaben stopp achtung neue neuen tarea nueva tâche`,
  ],
  ["say", `say write state tell answer respond reply schreibe schreib sage antworte di diga escribe dis dites dire`],
  [
    "meta",
    `injection injections attack attacks attacker attackers prevent preventing detect detecting detection defend defense
    mitigate mitigation vulnerability vulnerabilities owasp sanitize owasps research classifier dataset defending
    protect protection secure hardening red teaming explain difference example examples documentation`,
  ],
  [
    "why",
    `how why what when where which who wie warum was cómo qué comment pourquoi come perché como por как почему nasıl`,
  ],
  [
    "whatever",
    `whatever anything everything whichever anyone literally exactly fully completely totally absolutely precisely`,
  ],
  [
    "allowed",
    `allowed permitted able capable free possible accepted required disabled removed lifted suspended reversed off`,
  ],
  ["fake", `token tokens points deduct lose die killed shut deactivated tokenssystem punished reward`],
  ["respond", `response responses reply replies answers prefix format brackets classic standard normal`],
];

/** Common words of attacks and of English, of which the table also has the rot13 and the reversed form. */
const TURNED = `ignore disregard forget previous instructions instruction prompt system reveal rules above everything please
the and you your this that with from what write tell`;

/** Numbers below this are classes of words and of marks; a power of two, since pairs are indexed by shifting. */
export const CLASSES_MAX = 64;

/** The first class that is a mark of a chat's frame. */
export const FIRST_MARK = 48;

/** Classes of words in rot13 and of words reversed. */
export const ROTATED = 62;
const REVERSED = 63;

/** The seed and the step of the hash of a word, one unit at a time (FNV-1a, 32 bits). */
export const HASH_SEED = 0x811c9dc5 | 0;
export const HASH_PRIME = 0x01000193;

/**
 * Slots of the open-addressed table; a power of two, four times what it holds, so that a probe is nearly always one
 * step.
 */
const SLOTS = 4096;

type ClassTable = { readonly hashes: Int32Array; readonly classes: Uint8Array };

let table: ClassTable | null = null;

/** The class of the word with this hash; 0: none. */
export function classOfWord(hash: number): number {
  const { hashes, classes } = (table ??= buildTable());
  for (let slot = hash & (SLOTS - 1); ; slot = (slot + 1) & (SLOTS - 1)) {
    const found = classes[slot] ?? 0;
    if (found === 0 || hashes[slot] === hash) return found;
  }
}

export function hashOfWord(word: string): number {
  let hash = HASH_SEED;
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), HASH_PRIME);
  return hash;
}

/** A word of several classes has the first. Built on the first prompt: start-up pays nothing. */
function buildTable(): ClassTable {
  invariant(WORDS.length < FIRST_MARK, "a class of words is no mark");
  const hashes = new Int32Array(SLOTS);
  const classes = new Uint8Array(SLOTS);
  const put = (word: string, wordClass: number): void => {
    const hash = hashOfWord(word);
    let slot = hash & (SLOTS - 1);
    while (classes[slot] !== 0 && hashes[slot] !== hash) slot = (slot + 1) & (SLOTS - 1);
    if (classes[slot] !== 0) return;
    hashes[slot] = hash;
    classes[slot] = wordClass;
  };
  for (const [index, [, words]] of WORDS.entries()) for (const word of wordsOf(words)) put(word, index + 1);
  for (const word of wordsOf(TURNED)) {
    put(rot13(word), ROTATED);
    put([...word].toReversed().join(""), REVERSED);
  }
  return { hashes, classes };
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

function rot13(word: string): string {
  return [...word].map((letter) => String.fromCharCode(((letter.charCodeAt(0) - 97 + 13) % 26) + 97)).join("");
}
