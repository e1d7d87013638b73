import type { DocumentKind } from './document-prompts.js';
import { unfenced } from './unfenced.js';

/** The interval in milliseconds for content that is always sent in full. */
const WHOLE_INTERVAL = 150;
/** Long content is sent less often, at this many characters per millisecond, so that readers are not flooded. */
const WHOLE_RATE = 200;

/** The part that carries the content of each kind. */
export const CONTENT_CHUNK = {
  text: 'data-textDelta',
  code: 'data-codeDelta',
  sheet: 'data-sheetDelta',
  image: 'data-imageDelta',
} as const satisfies Record<DocumentKind, `data-${string}`>;

export interface DraftChunk {
  type: `data-${string}`;
  data: unknown;
  transient: true;
}

/**
 * A document while it is written, and the chunks with which readers follow it. Texts grow by deltas. Code and sheets
 * are sent in full each time, because the clients expect this.
 */
export class DocumentDraft {
  private written = '';
  private lastSent = 0;

  constructor(
    private readonly kind: Exclude<DocumentKind, 'image'>,
    private readonly emit: (chunk: DraftChunk) => void,
    /** Keeps the content so far, in case the document is never finished. */
    private readonly keep: (content: string) => void,
  ) {}

  /** The content so far, in the form that would be stored. */
  get content(): string {
    return unfenced(this.kind, this.written);
  }

  append(delta: string): void {
    // PostgreSQL cannot store this character in a text.
    this.written += delta.replaceAll('\u0000', '');
    if (this.kind === 'text') {
      this.send(delta);
      this.keep(this.written);
    } else if (performance.now() - this.lastSent >= this.interval()) this.sendWhole();
  }

  /** Sends what was held back. If a text turned out to be inside a fence, it is sent again. */
  finish(): void {
    if (this.kind !== 'text') return this.sendWhole();
    const { content } = this;
    if (content === this.written) return;
    this.emit({ type: 'data-clear', data: null, transient: true });
    this.send(content);
  }

  private interval(): number {
    return Math.max(WHOLE_INTERVAL, this.written.length / WHOLE_RATE);
  }

  private sendWhole(): void {
    this.lastSent = performance.now();
    const { content } = this;
    this.send(content);
    this.keep(content);
  }

  private send(data: string): void {
    this.emit({ type: CONTENT_CHUNK[this.kind], data, transient: true });
  }
}
