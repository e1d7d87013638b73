import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import { MAX_FILE_SIZE } from '../admin-config/config-schemas.js';
import { toDataUrl } from './data-url.js';
import { isFilePath, nameOf, ownerOf } from './file-path.js';
import { type FileRow, FilesRepository } from './files.repository.js';
import { FilesService } from './files.service.js';
import { isPlausible, toMediaType } from './media-type.js';
import { RecentFiles } from './recent-files.js';
import { StorageClient } from './storage-client.js';

/** A stored file for a model, or the reason why the model cannot get it. */
export type StoredFile =
  | { bytes: Uint8Array; mediaType: string }
  | { missing: 'gone' | 'unreadable' | 'too large' | 'not what it says' };

type Part = UIMessage['parts'][number];
type FilePart = Extract<Part, { type: 'file' }>;

/** The limit in bytes for all stored files that one turn reads. They are in memory until its answer ends. */
export const MAX_MESSAGE_BYTES = MAX_FILE_SIZE;
/** The number of concurrent requests to storage. */
const AT_ONCE = 4;

const WORDS: Record<Extract<StoredFile, { missing: string }>['missing'], string> = {
  gone: 'deleted file',
  unreadable: 'unreadable file',
  'too large': 'omitted file, because later files use all the space',
  'not what it says': 'omitted file, because its content does not match its type',
};

/** Reads the bytes of stored files for the model. */
@Injectable()
export class StoredFiles {
  private readonly logger = new Logger(StoredFiles.name);

  constructor(
    private readonly files: FilesService,
    private readonly repository: FilesRepository,
    private readonly storage: StorageClient,
    private readonly recent: RecentFiles,
  ) {}

  /**
   * Replaces the paths of stored files in a history by their contents. A text names each file that cannot be read. Never
   * rejects, because a file must never leave a question without an answer.
   */
  async withContents(identity: Identity, history: UIMessage[]): Promise<UIMessage[]> {
    const paths = history.flatMap(({ parts }) => parts.filter(isStoredFile).map(({ url }) => url));
    if (paths.length === 0) return history;
    const files = await this.load(identity, paths);
    return history.map((message) =>
      message.parts.some(isStoredFile)
        ? {
            ...message,
            parts: message.parts.map((part) => (isStoredFile(part) ? contentOf(part, files) : part)),
          }
        : message,
    );
  }

  /**
   * Reads files of the user by their paths. If they are too large together, the latest are read. Never rejects.
   *
   * @param paths in the order of the conversation
   */
  async load(identity: Identity, paths: string[]): Promise<Map<string, StoredFile>> {
    const loaded = new Map<string, StoredFile>();
    try {
      if (!(await this.files.isAvailable())) return loaded;
      const own = [...new Set(paths.toReversed())].filter((path) => ownerOf(path) === identity.id);
      const rows = new Map((await this.repository.find(identity, own)).map((row) => [row.path, row]));
      let left = MAX_MESSAGE_BYTES;
      const wanted: FileRow[] = [];
      for (const path of own) {
        const row = rows.get(path);
        const size = row?.size ?? 0;
        if (!row) loaded.set(path, { missing: 'gone' });
        else if (size > left) loaded.set(path, { missing: 'too large' });
        else {
          wanted.push(row);
          left -= size;
        }
      }
      const next = wanted.values();
      const work = Array.from({ length: AT_ONCE }, async () => {
        for (const row of next) loaded.set(row.path, await this.read(row));
      });
      await Promise.all(work);
    } catch (error) {
      this.logger.warn({ err: error }, 'The files of a conversation could not be looked up.');
    }
    return loaded;
  }

  private async read({ path, size, contentType, version }: FileRow): Promise<StoredFile> {
    const mediaType = toMediaType(contentType ?? '') ?? 'application/octet-stream';
    let bytes = this.recent.get(path, version);
    if (!bytes) {
      try {
        bytes = await this.storage.download(path, size ?? MAX_MESSAGE_BYTES);
      } catch (error) {
        this.logger.warn({ err: error }, 'A stored file could not be read.');
        return { missing: 'unreadable' };
      }
      this.recent.set(path, bytes, version);
    }
    return isPlausible(mediaType, bytes) ? { bytes, mediaType } : { missing: 'not what it says' };
  }
}

function isStoredFile(part: Part): part is FilePart {
  return part.type === 'file' && isFilePath(part.url);
}

function contentOf(part: FilePart, files: ReadonlyMap<string, StoredFile>): Part {
  const file = files.get(part.url) ?? { missing: 'unreadable' };
  if ('bytes' in file) {
    return { ...part, mediaType: file.mediaType, url: toDataUrl(file.mediaType, file.bytes) };
  }
  const name = (part.filename ?? nameOf(part.url)).slice(0, 255);
  return { type: 'text', text: `[${WORDS[file.missing]}: ${name}]` };
}
