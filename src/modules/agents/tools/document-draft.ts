import type { DocumentKind } from './document-prompts.js';
import { unfenced } from './unfenced.js';

/** How often content that is sent whole is sent again, in milliseconds: each time it is all of it. */
const WHOLE_INTERVAL = 150;
/** Long content is sent less often: this many characters a millisecond, and no reader is drowned. */
const WHOLE_RATE = 200;

/** What carries the content of each kind. */
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
 * A document while it is written, and the chunks by which a reader follows it: texts grow by deltas, code and sheets are
 * sent as all there is so far, as the clients of these chunks expect.
 */
export class DocumentDraft {
  private written = '';
  private lastSent = 0;

  constructor(
    private readonly kind: Exclude<DocumentKind, 'image'>,
    private readonly emit: (chunk: DraftChunk) => void,
    /** Keeps what has been written so far, in case there is no end to it. */
    private readonly keep: (content: string) => void,
  ) {}

  /** What has been written so far, as it would be stored. */
  get content(): string {
    return unfenced(this.kind, this.written);
  }

  append(delta: string): void {
    // No database text may hold it.
    this.written += delta.replaceAll('\u0000', '');
    if (this.kind === 'text') {
      this.send(delta);
      this.keep(this.written);
    } else if (performance.now() - this.lastSent >= this.interval()) this.sendWhole();
  }

  /** Sends what was held back. A text is sent again if it turned out to be in a fence. */
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
