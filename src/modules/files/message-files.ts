import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage } from 'ai';
import type { Identity } from '../../common/auth/identity.js';
import { AppError, type FieldError, validationFailed } from '../../common/errors/app-error.js';
import { readDataUrl, sizeOfDataUrl } from './data-url.js';
import { FileSettingsService } from './file-settings.service.js';
import { isFilePath, ownerOf, pathInUrl, pathOfContent } from './file-path.js';
import { type FileRow, FilesRepository } from './files.repository.js';
import { FilesService } from './files.service.js';
import { isAllowedType, toMediaType } from './media-type.js';
import { RecentFiles } from './recent-files.js';
import { StorageClient } from './storage-client.js';
import { MAX_MESSAGE_BYTES } from './stored-files.js';

type Parts = UIMessage['parts'];
type FilePart = Extract<Parts[number], { type: 'file' }>;

/** A file part with a path. */
interface Named {
  index: number;
  part: FilePart;
  path: string;
}

/** The parts of a message as they are stored, and the sizes of stored files in bytes, by their path. */
export interface ReceivedParts {
  parts: Parts;
  sizes: ReadonlyMap<string, number>;
}

const FOREIGN =
  'must be a data URL, or the path of a file that you have uploaded (see POST /api/files); the server fetches nothing else';

/** Checks the files of a message when it arrives, and moves large ones to storage. */
@Injectable()
export class MessageFiles {
  private readonly logger = new Logger(MessageFiles.name);

  constructor(
    private readonly files: FilesService,
    private readonly repository: FilesRepository,
    private readonly settings: FileSettingsService,
    private readonly storage: StorageClient,
    private readonly recent: RecentFiles,
  ) {}

  /**
   * Returns the parts of a message as they are stored. A stored file has its path as the URL, whichever URL the client
   * sent, and the media type from storage. Large data URLs are moved to storage.
   *
   * @throws AppError 400 or 404 that names the part, for an address of anything but an own file, and for files that are
   *   too large together
   */
  async receive(identity: Identity, parts: Parts): Promise<ReceivedParts> {
    const sizes = new Map<string, number>();
    if (!parts.some(({ type }) => type === 'file')) return { parts, sizes };
    const { named, embedded } = this.sort(parts);
    if (named.length === 0 && embedded.length === 0) return { parts, sizes };
    if (!(await this.files.isAvailable())) {
      if (named.length > 0)
        throw refused(named, 'is not one of your files: this server has no storage for files');
      return { parts, sizes };
    }
    const received = [...parts];
    const rows = await this.find(identity, named);
    for (const { index, part, path } of named) {
      const row = rows.get(path);
      const mediaType = toMediaType(row?.contentType ?? '') ?? part.mediaType;
      received[index] = { ...part, mediaType, url: path };
      sizes.set(path, row?.size ?? 0);
    }
    const { moveDataUrlsFrom, types } = await this.settings.current();
    // One at a time, because each is in memory twice.
    for (const { index, part } of embedded) {
      if (sizeOfDataUrl(part.url) < moveDataUrlsFrom || !isAllowedType(part.mediaType, types)) continue;
      const moved = await this.move(identity, part);
      if (!moved) continue;
      received[index] = { ...part, url: moved.path };
      sizes.set(moved.path, moved.size);
    }
    refuseTooMuch(received, sizes);
    return { parts: received, sizes };
  }

  private sort(parts: Parts): { named: Named[]; embedded: Array<{ index: number; part: FilePart }> } {
    const named: Named[] = [];
    const embedded: Array<{ index: number; part: FilePart }> = [];
    const errors: FieldError[] = [];
    parts.forEach((part, index) => {
      if (part.type !== 'file') return;
      const { url } = part;
      if (url.startsWith('data:')) return void embedded.push({ index, part });
      const path = isFilePath(url) ? url : this.storage.url && pathInUrl(url, this.storage.url);
      if (path) named.push({ index, part, path });
      else errors.push({ path: `message.parts.${index}.url`, message: FOREIGN });
    });
    if (errors.length > 0) throw validationFailed(errors);
    return { named, embedded };
  }

  private async find(identity: Identity, named: Named[]): Promise<Map<string, FileRow>> {
    const own = named.filter(({ path }) => ownerOf(path) === identity.id).map(({ path }) => path);
    const rows = await this.findKept(identity, [...new Set(own)]);
    const found = new Map(rows.map((row) => [row.path, row]));
    const missing = named.filter(({ path }) => !found.has(path));
    if (missing.length > 0) throw notThere(missing);
    const { maxSize, types } = await this.settings.current();
    const tooLarge = named.filter(({ path }) => (found.get(path)?.size ?? 0) > maxSize);
    if (tooLarge.length > 0) throw refused(tooLarge, `is larger than ${maxSize} bytes`);
    const wrongType = named.filter(({ path }) => {
      const type = toMediaType(found.get(path)?.contentType ?? '');
      return type === undefined || !isAllowedType(type, types);
    });
    if (wrongType.length > 0)
      throw refused(wrongType, `is a file of a type that cannot be sent; these can: ${types.join(', ')}`);
    return found;
  }

  /** Finds files, and keeps them until the message is stored. */
  private async findKept(identity: Identity, paths: string[]): Promise<FileRow[]> {
    if (paths.length === 0) return [];
    await this.repository.postponeRemovals(paths);
    return this.repository.find(identity, paths);
  }

  /** Returns the new path and the bytes, or undefined if the file stays in the message. */
  private async move(
    identity: Identity,
    { url, mediaType, filename }: FilePart,
  ): Promise<{ path: string; size: number } | undefined> {
    const bytes = readDataUrl(url);
    if (!bytes) return undefined;
    const path = pathOfContent(identity.id, bytes, filename ?? `file.${mediaType.split('/')[1]}`);
    try {
      const [known] = await this.findKept(identity, [path]);
      if (!known) await this.storage.upload(path, bytes, mediaType);
      this.recent.set(path, bytes, known?.version);
      return { path, size: bytes.length };
    } catch (error) {
      this.logger.warn({ err: error }, 'A file could not be moved to storage. It stays in its message.');
      return undefined;
    }
  }
}

/** A turn reads a limited number of bytes from storage. What a question names must be among them. */
function refuseTooMuch(parts: Parts, sizes: ReadonlyMap<string, number>): void {
  const counted = new Set<string>();
  const errors: FieldError[] = [];
  let left = MAX_MESSAGE_BYTES;
  // The latest files are read first.
  for (const [index, part] of [...parts.entries()].reverse()) {
    if (part.type !== 'file' || counted.has(part.url)) continue;
    const size = sizes.get(part.url) ?? 0;
    counted.add(part.url);
    if (size <= left) left -= size;
    else
      errors.push({
        path: `message.parts.${index}.url`,
        message: `is too large; the files of one message may have ${MAX_MESSAGE_BYTES} bytes together`,
      });
  }
  if (errors.length > 0) throw validationFailed(errors.reverse());
}

function refused(named: Named[], message: string): AppError {
  return validationFailed(named.map(({ index }) => ({ path: `message.parts.${index}.url`, message })));
}

function notThere(named: Named[]): AppError {
  const errors = named.map(({ index }) => ({ path: `message.parts.${index}.url`, message: 'was not found' }));
  return new AppError(
    404,
    'not_found',
    `The file of ${errors.map(({ path }) => path).join(', ')} was not found.`,
    {
      errors,
    },
  );
}
