import { ByteCollector } from './byte-collector.js';
import { JsonGauge } from './json-gauge.js';

/** Which item of a list in a body is read: the last one whose `key` has one of these values. */
export interface LastItem {
  /** The field of the body that has the list. */
  list: string;
  key: string;
  values: readonly string[];
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_LIST = 0x5b;
const OPEN_OBJECT = 0x7b;
const CLOSE_LIST = 0x5d;
const CLOSE_OBJECT = 0x7d;
const SPACE = 0x20;
const NULL = Buffer.from('null');
const SEPARATOR = Buffer.from(',');
/** Names and values that matter are shorter. */
const MAX_WORD = 64;

/** The depths of the body's own fields, of the list's items, and of an item's fields. */
const BODY = 1;
const LIST = 2;
const ITEM = 3;

type Word = 'field' | 'key' | 'value';

/**
 * Reads a JSON body as it arrives, and keeps only one item of a list. `null` takes the place of every other item. So the
 * memory that a body takes does not grow with what its client sends again and again.
 *
 * What is left out is not parsed. In UTF-8, no byte of a multi-byte character equals one of the bytes here.
 */
export class ListSkimmer {
  /** The body without the other items, as far as it has arrived. */
  readonly body = new ByteCollector();
  private readonly bodyGauge = new JsonGauge();
  private item = new ByteCollector();
  private itemGauge = new JsonGauge();
  private kept?: { bytes: Buffer; index: number };
  private count = 0;

  private position = 0;
  private inString = false;
  private isEscaped = false;
  private inList = false;
  private inItem = false;
  private expectsName = false;
  private isList = false;
  private isKey = false;
  private isMatch = false;
  /** What the current string is, if it may matter. */
  private word?: Word;
  /** Its beginning, if that came with an earlier chunk. */
  private text = '';
  private readonly known: Readonly<Record<Word, readonly Buffer[]>>;

  constructor({ list, key, values }: LastItem) {
    const bytesOf = (word: string) => Buffer.from(word);
    this.known = { field: [bytesOf(list)], key: [bytesOf(key)], value: values.map(bytesOf) };
  }

  /** The bytes that are kept at the moment. */
  get length(): number {
    return this.body.length + this.item.length;
  }

  /** The number of keys and items that are kept at the moment. */
  get items(): number {
    return this.bodyGauge.items + this.itemGauge.items + this.count;
  }

  get depth(): number {
    return Math.max(this.bodyGauge.depth, this.itemGauge.depth + LIST);
  }

  add(chunk: Buffer): void {
    const { length } = chunk;
    /** Bytes before this are collected, or left out. */
    let from = 0;
    for (let at = 0; at < length;) {
      if (this.inString) {
        at = this.readString(chunk, at);
        continue;
      }
      const byte = chunk[at] ?? 0;
      if (this.inList && this.position === LIST) {
        if (byte === COMMA || byte === CLOSE_LIST) {
          if (this.inItem) this.endItem(chunk.subarray(from, at));
          if (byte === CLOSE_LIST) this.endList();
          from = byte === COMMA ? at + 1 : at;
          if (byte === COMMA) {
            at++;
            continue;
          }
        } else if (!this.inItem && byte > SPACE) {
          this.beginItem();
          from = at;
        }
      }
      at++;
      if (this.readByte(byte)) {
        this.collect(chunk.subarray(from, at));
        this.inList = true;
        this.count = 0;
        this.kept = undefined;
        from = at;
      }
    }
    if (!this.inList || this.inItem) this.collect(chunk.subarray(from));
  }

  /** @returns whether the list begins behind this byte */
  private readByte(byte: number): boolean {
    switch (byte) {
      case QUOTE:
        this.inString = true;
        this.word = this.wordHere();
        this.text = '';
        return false;
      case COLON:
        this.expectsName = false;
        return false;
      case COMMA:
        this.expectsName = this.position === BODY || this.position === ITEM;
        return false;
      case OPEN_LIST:
      case OPEN_OBJECT: {
        const isList =
          byte === OPEN_LIST && this.position === BODY && !this.inList && !this.expectsName && this.isList;
        this.position++;
        this.expectsName = byte === OPEN_OBJECT;
        return isList;
      }
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        this.position--;
        return false;
      default:
        return false;
    }
  }

  private wordHere(): Word | undefined {
    if (this.position === BODY) return this.expectsName ? 'field' : undefined;
    if (!this.inItem || this.position !== ITEM) return undefined;
    if (this.expectsName) return 'key';
    return this.isKey ? 'value' : undefined;
  }

  /** @returns the position behind what was read */
  private readString(chunk: Buffer, start: number): number {
    if (this.isEscaped) {
      this.isEscaped = false;
      return start + 1;
    }
    const { length } = chunk;
    let at = start;
    while (at < length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++;
    if (at === length) {
      if (this.word && this.text.length < MAX_WORD)
        this.text += chunk.toString('latin1', start, Math.min(at, start + MAX_WORD));
      return at;
    }
    if (chunk[at] === BACKSLASH) {
      this.isEscaped = true;
      // Words that matter are short, and nobody escapes their letters.
      this.endWord(false);
    } else {
      this.inString = false;
      if (this.word) this.endWord(this.isKnown(this.word, chunk, start, at));
    }
    return at + 1;
  }

  /** A body may consist of short strings, so no text is made of those that lie within one chunk. */
  private isKnown(word: Word, chunk: Buffer, start: number, end: number): boolean {
    const { text } = this;
    if (text.length >= MAX_WORD) return false;
    if (text === '') return this.known[word].some((bytes) => isAt(chunk, start, end, bytes));
    const whole = Buffer.from(
      text + chunk.toString('latin1', start, Math.min(end, start + MAX_WORD)),
      'latin1',
    );
    return this.known[word].some((bytes) => isAt(whole, 0, whole.length, bytes));
  }

  private endWord(isKnown: boolean): void {
    if (this.word === 'field') this.isList = isKnown;
    else if (this.word === 'key') this.isKey = isKnown;
    else if (this.word === 'value') this.isMatch = isKnown;
    this.word = undefined;
  }

  private collect(bytes: Buffer): void {
    if (bytes.length === 0) return;
    const { inItem } = this;
    (inItem ? this.item : this.body).add(bytes);
    (inItem ? this.itemGauge : this.bodyGauge).add(bytes);
  }

  private beginItem(): void {
    this.inItem = true;
    this.isMatch = false;
    this.isKey = false;
    this.item = new ByteCollector();
    this.itemGauge = new JsonGauge();
  }

  private endItem(rest: Buffer): void {
    this.collect(rest);
    this.inItem = false;
    if (this.isMatch) this.kept = { bytes: this.item.collected, index: this.count };
    this.count++;
    this.item = new ByteCollector();
    this.itemGauge = new JsonGauge();
  }

  private endList(): void {
    this.inList = false;
    for (let index = 0; index < this.count; index++) {
      if (index > 0) this.collect(SEPARATOR);
      this.collect(index === this.kept?.index ? this.kept.bytes : NULL);
    }
    this.count = 0;
    this.kept = undefined;
  }
}

/** Whether these bytes, from `start` to `end`, are a known word. */
function isAt(chunk: Buffer, start: number, end: number, word: Buffer): boolean {
  if (end - start !== word.length) return false;
  for (let index = 0; index < word.length; index++) if (chunk[start + index] !== word[index]) return false;
  return true;
}
