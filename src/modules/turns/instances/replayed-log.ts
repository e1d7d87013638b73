import type { UIMessage, UIMessageChunk } from 'ai';
import { toJson } from '../../../common/database/stored-json.js';
import { MessageAssembler } from '../message-assembler.js';
import { CheckpointReader } from './checkpoint-reader.js';

type Parts = UIMessage['parts'];

/** What is said of a document before its content: see `agents/tools/document-draft.ts`. */
const HEADS = new Set<string>(['data-id', 'data-title']);
const CONTENT = /^data-\w+Delta$/;

/** A document that is being written: the chunks that show its content so far. They are not stored with the answer. */
class OpenDocument {
  chunks: UIMessageChunk[] = [];

  add(chunk: UIMessageChunk): void {
    if (!isTransient(chunk)) return;
    const { type } = chunk;
    if (type === 'data-finish') this.chunks = [];
    else if (type === 'data-kind') this.chunks = [chunk];
    else if (this.chunks.length === 0) return;
    else if (HEADS.has(type)) this.chunks.push(chunk);
    else if (type === 'data-clear') this.begin(chunk);
    else if (CONTENT.test(type)) this.grow(chunk);
  }

  private begin(clear: UIMessageChunk): void {
    const isHead = ({ type }: UIMessageChunk) => type !== 'data-clear' && !CONTENT.test(type);
    this.chunks = [...this.chunks.filter(isHead), clear];
  }

  /** Texts grow. All other content is always sent in full. */
  private grow(chunk: TransientChunk): void {
    const last = this.chunks.at(-1);
    if (last?.type !== chunk.type) return void this.chunks.push(chunk);
    const isText = chunk.type === 'data-textDelta';
    const data = isText ? `${String(last.data)}${String(chunk.data)}` : chunk.data;
    this.chunks[this.chunks.length - 1] = { ...chunk, data };
  }
}

type TransientChunk = Extract<UIMessageChunk, { data: unknown }>;

function isTransient(chunk: UIMessageChunk): chunk is TransientChunk {
  return 'transient' in chunk && chunk.transient === true;
}

/**
 * What the log of an answer has brought. It can be continued by checkpoints, and it can continue them: readers get each
 * part once, under one id.
 */
export class ReplayedLog {
  private readonly answer = new MessageAssembler();
  private readonly document = new OpenDocument();
  /** The ids of readers for texts that checkpoints have begun. */
  private readonly ids = new Map<string, string>();
  /** The calls whose input readers do not get piece by piece, because they have missed the beginning. */
  private readonly whole = new Set<string>();
  private stepIsFinished = false;

  /** @returns the chunk for readers, if there is one */
  add(chunk: UIMessageChunk): UIMessageChunk | undefined {
    this.answer.add(chunk);
    this.document.add(chunk);
    if (chunk.type === 'finish-step') this.stepIsFinished = true;
    else if (chunk.type === 'start-step' || chunk.type === 'reset-step') this.stepIsFinished = false;
    if (chunk.type === 'tool-input-delta') return this.whole.has(chunk.toolCallId) ? undefined : chunk;
    const key = keyOf(chunk);
    const id = key === undefined ? undefined : this.ids.get(key);
    if (key === undefined || id === undefined) return chunk;
    if (chunk.type.endsWith('-end')) this.ids.delete(key);
    return { ...chunk, id } as UIMessageChunk;
  }

  /** True while readers have a document that is not finished. */
  get hasOpenDocument(): boolean {
    return this.document.chunks.length > 0;
  }

  /** A reader of the checkpoints that follow what the log has brought. */
  toCheckpoints(): CheckpointReader {
    const reader = new CheckpointReader();
    const parts = this.stored();
    reader.next(parts);
    if (this.stepIsFinished) reader.finishStep();
    for (const { part, id } of this.answer.openTexts()) {
      const known = this.ids.get(`${part.type} ${id}`) ?? id;
      reader.rename(parts, parts[this.answer.parts.indexOf(part)]!, known);
    }
    return reader;
  }

  /**
   * Continues what checkpoints have brought.
   *
   * @returns the chunks that readers have missed
   * @throws CheckpointConflict if they have got something else
   */
  continueFrom(reader: CheckpointReader): UIMessageChunk[] {
    const parts = this.stored();
    const chunks = reader.next(parts);
    for (const { part, id } of this.answer.openTexts()) {
      const known = reader.idOf(parts, parts[this.answer.parts.indexOf(part)]!);
      if (known !== undefined) this.ids.set(`${part.type} ${id}`, known);
    }
    for (const part of parts)
      if ('toolCallId' in part && part.state === 'input-streaming') this.whole.add(part.toolCallId);
    if (this.stepIsFinished) chunks.push(...reader.finishStep());
    return [...chunks, ...this.document.chunks];
  }

  /** As the database returns them. */
  private stored(): Parts {
    return JSON.parse(toJson(this.answer.parts)) as Parts;
  }
}

/** Under this name, `ids` knows a text. */
function keyOf(chunk: UIMessageChunk): string | undefined {
  switch (chunk.type) {
    case 'text-delta':
    case 'text-end':
      return `text ${chunk.id}`;
    case 'reasoning-delta':
    case 'reasoning-end':
      return `reasoning ${chunk.id}`;
    default:
      return undefined;
  }
}
