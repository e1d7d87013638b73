import type { UIMessageChunk } from 'ai';

/** What a delta belongs to. Deltas with the same kind and part can be joined. */
function deltaOf(chunk: UIMessageChunk): { key: string; text: string } | undefined {
  switch (chunk.type) {
    case 'text-delta':
    case 'reasoning-delta':
      return chunk.providerMetadata === undefined
        ? { key: `${chunk.type} ${chunk.id}`, text: chunk.delta }
        : undefined;
    case 'tool-input-delta':
      return { key: `${chunk.type} ${chunk.toolCallId}`, text: chunk.inputTextDelta };
    default:
      return undefined;
  }
}

/** Each of these contains the whole content so far, so the next one of the same kind replaces the previous one. */
const WHOLES = new Set<UIMessageChunk['type']>(['data-codeDelta', 'data-sheetDelta', 'data-imageDelta']);
/** After this chunk, the content is a different one. */
const NEW_CONTENT: UIMessageChunk['type'] = 'data-clear';

/** A measure of the memory that a chunk takes, in characters. */
export function sizeOf(chunk: UIMessageChunk): number {
  const contents = Object.values(chunk).map((value: unknown) => {
    if (typeof value === 'string') return value.length;
    return typeof value === 'object' && value !== null ? JSON.stringify(value).length : 0;
  });
  return contents.reduce((sum, length) => sum + length, 200);
}

/**
 * The maximum number of characters in one portion. Otherwise a late reader of a long answer would have all of it in its
 * connection at once.
 */
const MAX_PORTION = 32 * 1024;
/**
 * V8 keeps a text that grows by appending as a tree with a node for each token, which takes many times the memory of
 * the text. It is made flat each time it has grown by this many characters.
 */
const FLAT_AFTER = 512;

interface Entry {
  /** Absent if a later entry has replaced it. */
  chunk?: UIMessageChunk;
  /** Set for deltas: the joined text of consecutive deltas. */
  key?: string;
  text: string;
  /** The length of the text when it was last made flat. */
  flat?: number;
}

/** The position of a reader: the number of complete entries, and the number of characters of the next one. */
export interface Position {
  entry: number;
  offset: number;
}

/**
 * Everything in a stream from its first chunk on. Consecutive deltas are joined, so the log grows with the text, not
 * with the number of tokens. A reader that is late or slow gets them in one piece.
 */
export class ReplayLog {
  private readonly entries: Entry[] = [];
  private readonly wholes = new Map<UIMessageChunk['type'], Entry>();
  private characters = 0;

  /** The number of characters kept, as a measure of memory. */
  get size(): number {
    return this.characters;
  }

  append(chunk: UIMessageChunk): void {
    const delta = deltaOf(chunk);
    const last = this.entries.at(-1);
    if (delta === undefined) {
      const entry = { chunk, text: '' };
      this.supersede(chunk, entry);
      this.entries.push(entry);
      this.characters += sizeOf(chunk);
    } else if (last?.key === delta.key && last.text.length < MAX_PORTION) {
      last.text += delta.text;
      this.characters += delta.text.length;
      if (last.text.length - (last.flat ?? 0) >= FLAT_AFTER) flatten(last);
    } else {
      if (last?.key !== undefined) flatten(last);
      this.entries.push({ chunk, key: delta.key, text: delta.text });
      this.characters += 200 + delta.text.length;
    }
  }

  private supersede({ type }: UIMessageChunk, entry: Entry): void {
    if (type === NEW_CONTENT) this.wholes.clear();
    if (!WHOLES.has(type)) return;
    const before = this.wholes.get(type);
    if (before?.chunk) {
      this.characters -= sizeOf(before.chunk);
      before.chunk = undefined;
    }
    this.wholes.set(type, entry);
  }

  /** The position of a reader that has read everything. */
  end(): Position {
    const last = this.entries.at(-1);
    return last?.key === undefined
      ? { entry: this.entries.length, offset: 0 }
      : { entry: this.entries.length - 1, offset: last.text.length };
  }

  /** The next chunk after `position`, and the position after that chunk. Undefined at the end. */
  next(position: Position): { chunk: UIMessageChunk; position: Position } | undefined {
    let at = position.entry;
    while (this.entries[at]?.chunk === undefined && at < this.entries.length) at++;
    const entry = this.entries[at];
    if (entry?.chunk === undefined) return undefined;
    const after = { entry: at + 1, offset: 0 };
    if (entry.key === undefined) return { chunk: entry.chunk, position: after };
    if (position.offset >= entry.text.length) {
      return at + 1 < this.entries.length ? this.next(after) : undefined;
    }
    const end = portionEnd(entry.text, position.offset);
    const isRead = end === entry.text.length && at < this.entries.length - 1;
    return {
      chunk: withDelta(entry.chunk, entry.text.slice(position.offset, end)),
      position: isRead ? after : { entry: at, offset: end },
    };
  }
}

/** V8 joins the pieces to measure the text, and drops them. */
function flatten(entry: Entry): void {
  entry.flat = entry.text.length;
  Buffer.byteLength(entry.text);
}

/** The end of the next portion. It is not between the halves of a surrogate pair. */
function portionEnd(text: string, start: number): number {
  const end = start + MAX_PORTION;
  if (end >= text.length) return text.length;
  const isHighSurrogate = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800;
  return isHighSurrogate ? end - 1 : end;
}

function withDelta(chunk: UIMessageChunk, text: string): UIMessageChunk {
  return chunk.type === 'tool-input-delta'
    ? { ...chunk, inputTextDelta: text }
    : ({ ...chunk, delta: text } as UIMessageChunk);
}
