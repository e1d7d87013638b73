import { Injectable, Logger } from '@nestjs/common';
import { isFilePath, ownerOf } from './file-path.js';
import { StorageClient } from './storage-client.js';
import { within } from '../../common/periodic/within.js';

/** Lifetime of a signed URL in seconds. A list of messages shows URLs with at least half of it left. */
const LIFETIME = 6 * 3_600;
/** How long a list of messages waits for signed URLs, in milliseconds. */
const PATIENCE = 3_000;
const MAX_KNOWN = 10_000;

interface SignedUrl {
  url: string;
  /** In milliseconds, on the clock of `performance`. */
  renewAt: number;
}

/**
 * Signed URLs with which clients show stored files. A URL is reused until half of its lifetime is over. A repeated list then
 * needs no request to storage, and a browser finds the picture in its cache.
 */
@Injectable()
export class StoredFileUrls {
  private readonly logger = new Logger(StoredFileUrls.name);
  private readonly known = new Map<string, SignedUrl>();

  constructor(private readonly storage: StorageClient) {}

  /**
   * Replaces the paths of stored files in messages by signed URLs. Never rejects. A file without a URL keeps its path.
   *
   * @param ownerId the user whose files the messages may show
   */
  async show<Message extends { parts: unknown[] }>(messages: Message[], ownerId: string): Promise<Message[]> {
    const paths = new Set(messages.flatMap(({ parts }) => parts.flatMap((part) => pathOf(part) ?? [])));
    const own = [...paths].filter((path) => ownerOf(path) === ownerId);
    if (own.length === 0 || this.storage.url === undefined) return messages;
    const urls = await this.urlsOf(own);
    const shown = (part: unknown) => {
      const url = urls.get(pathOf(part) ?? '');
      return url === undefined ? part : { ...(part as object), url };
    };
    return messages.map((message) => ({ ...message, parts: message.parts.map(shown) }));
  }

  private async urlsOf(paths: string[]): Promise<Map<string, string>> {
    const now = performance.now();
    const missing = paths.filter((path) => (this.known.get(path)?.renewAt ?? 0) <= now);
    if (missing.length > 0) {
      try {
        const signed = await withPatience(this.storage.signDownloads(missing, LIFETIME));
        for (const [path, url] of signed) this.remember(path, { url, renewAt: now + LIFETIME * 500 });
      } catch (error) {
        this.logger.warn(
          { err: error },
          'URLs of stored files could not be signed. Messages show their paths instead.',
        );
      }
    }
    return new Map(
      paths.flatMap((path) => {
        const known = this.known.get(path);
        return known && known.renewAt > now ? [[path, known.url] as const] : [];
      }),
    );
  }

  private remember(path: string, url: SignedUrl): void {
    this.known.delete(path);
    this.known.set(path, url);
    if (this.known.size > MAX_KNOWN) this.known.delete(this.known.keys().next().value as string);
  }
}

function pathOf(part: unknown): string | undefined {
  const { type, url } = (part ?? {}) as { type?: unknown; url?: unknown };
  return type === 'file' && isFilePath(url) ? url : undefined;
}

async function withPatience<T>(work: Promise<T>): Promise<T> {
  return within(PATIENCE, work, () => {
    throw new Error('Storage took too long to sign URLs.');
  });
}
