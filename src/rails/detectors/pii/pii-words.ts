/**
 * The words that say what kind of number follows: "call" a phone, "invoice" none. In the languages that most phone
 * numbers come in. The words for other numbers matter as much as those for phones: they keep order numbers out.
 * Rejected: a statistical model of the context, which would have to be shipped and explained.
 */

/** What a word says of the number behind it. */
export type WordKind =
  | "phone"
  /** Some number, of whatever. */
  | "number"
  /** One that is no phone's. */
  | "other"
  /** One that stands on goods: it may have the check digit of a card. */
  | "goods"
  /** A US social security number. */
  | "ssn"
  /** Dotted like an address, and none. */
  | "version"
  /** A machine in a network: what follows is its address. */
  | "host";

const PHONE =
  "phone phones telephone telephones tel tels telno mobile mobiles cell cellphone cellular cellphones call calls called " +
  "calling caller callback callbacks fax faxes facsimile dial dialed dialing dialled ring rang reach reached reachable " +
  "text texted texting sms mms whatsapp viber imessage facetime telegram hotline helpline landline contact contacts contacting " +
  "pager answer answers answering answered voicemail ph phn tollfree switchboard fon " +
  "telefon telefonnummer telefonnr handy handynummer mobil mobilnummer mobilnr rufnummer anrufen anruf festnetz durchwahl " +
  "erreichbar erreichen telefonisch téléphone telephoner téléphoner télécopie tél portable joindre appeler appelez " +
  "appelle appel joignable teléfono telefono teléfonos móvil movil celular llamar llame llamame llámame llama llamada " +
  "cellulare chiamare chiamami chiama telefonare telefone telemóvel ligar ligue telefoonnummer telefoon telefoonnr mobiel " +
  "bellen bel gsm komórka komórkowy zadzwoń dzwonić telefonní zavolejte volejte telefonszám hívjon hívj cep ara arayın " +
  "puhelin puhelinnumero soita puh telefonnummeret mobilen sími símanúmer тел телефон телефона телефону звоните позвоните " +
  "позвонить мобильный моб факс τηλέφωνο τηλ κινητό φαξ هاتف الهاتف جوال طلب טלפון נייד फोन मोबाइल " +
  "电话 電話 手机 手機 传真 傳真 携帯 热线 熱線 致电 致電 전화 번호 연락";

const NUMBER = "number numbers num nummer nr no numéro numero número numer broj номер";

const OTHER =
  "order orders invoice invoices account accounts acct acc reference " +
  "ref refs id ids identifier ticket tickets case serial model part item product batch lot passport license licence " +
  "licenses zip zipcode postcode postal plz code codes vin iban bic swift card cards ssn ein tin vat price prices " +
  "cost costs total subtotal amount amounts sum balance usd eur gbp dollar dollars euro euros pounds page pages section " +
  "article chapter year years born birth birthday dob date dated time timestamp unix epoch room box policy claim claims " +
  "population rows bytes kb mb gb ms seconds latitude longitude lat lon lng coordinates port pid commit hash build doi " +
  "arxiv pmid patent token tokens user userid customer employee member student patient record transaction txn " +
  "bestellung rechnung bestellnummer rechnungsnummer kundennummer kontonummer konto facture commande pedido factura cuenta " +
  "issue issues bug bugs merge pp vol volume arn aws buffer clause dfars iso offset iec " +
  "ordine fattura conto заказ счет 订单 訂單 注文 账号 帳號 价格";

const GOODS = "isbn issn ean upc gtin sku asin barcode tracking shipment parcel imei imsi iccid";

const SSN = "ssn ssns ss social taxpayer itin";

const HOST =
  "ip ips ipv host hosts hostname address addresses server servers ping ssh dns nameserver resolver gateway router subnet " +
  "netmask localhost traceroute adresse dirección indirizzo endereço";

const VERSION =
  "version versions ver release releases firmware build driver section sections chapter clause rev revision patch upgrade " +
  "upgraded update updated bump bumped paragraph oid oids";

let words: ReadonlyMap<string, WordKind> | null = null;

/** The table; made at the first number, not when the Worker starts. */
export function contextWords(): ReadonlyMap<string, WordKind> {
  words ??= new Map<string, WordKind>([
    ...entries(OTHER, "other"),
    ...entries(GOODS, "goods"),
    ...entries(NUMBER, "number"),
    ...entries(PHONE, "phone"),
    ...entries(VERSION, "version"),
    ...entries(SSN, "ssn"),
    ...entries(HOST, "host"),
  ]);
  return words;
}

function entries(list: string, kind: WordKind): [string, WordKind][] {
  return list.split(" ").map((word) => [word, kind]);
}
