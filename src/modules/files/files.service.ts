import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import {
  AppError,
  invalidField,
  notFound,
  payloadTooLarge,
  unsupportedMediaType,
} from '../../common/errors/app-error.js';
import { decodeCursor, newestFirst, type Page, type PageQuery, toPage } from '../../common/http/paging.js';
import type { CreateFileDto } from './dto/create-file.dto.js';
import type { FileDto, FileUrlDto, UploadDto } from './dto/file.dto.js';
import { FileSettingsService } from './file-settings.service.js';
import { isFilePath, nameOf, newPath, ownerOf } from './file-path.js';
import { type FileRow, FilesRepository } from './files.repository.js';
import { isAllowedType, toMediaType } from './media-type.js';
import { StorageClient } from './storage-client.js';

/** Lifetime of the URLs that this API returns, in seconds. */
const URL_LIFETIME = 3_600;
/** Supabase's lifetime of a signed upload, for tokens that do not contain it. */
const UPLOAD_LIFETIME = 7_200;
/** The number of files to remove in one request. */
const BATCH = 500;
/** The sweeper removes what is left after this many batches. */
const MAX_BATCHES = 20;

/** Users' files. Clients upload them to Supabase Storage and download them from there; the bytes do not pass through this server. */
@Injectable()
export class FilesService {
  private readable?: Promise<boolean>;

  constructor(
    private readonly database: Database,
    private readonly files: FilesRepository,
    private readonly storage: StorageClient,
    private readonly settings: FileSettingsService,
  ) {}

  /** Whether this server has Supabase Storage behind it. */
  async isAvailable(): Promise<boolean> {
    if (this.storage.url === undefined) return false;
    const readable = (this.readable ??= this.files.isReadable());
    // Try again after a failure.
    return readable.catch((error: unknown) => {
      this.readable = undefined;
      throw error;
    });
  }

  /**
   * A signed upload of one new file.
   *
   * @throws AppError 400, 413 or 415 for a file that may not be uploaded, 404 without storage, 502, 504
   */
  async createUpload(identity: Identity, { filename, contentType, size }: CreateFileDto): Promise<UploadDto> {
    await this.expectAllowed(contentType, size);
    const path = newPath(identity.id, filename);
    const { token, signedUrl } = await this.storage.signUpload(path);
    return { path, uploadUrl: signedUrl, token, expiresAt: expiryOf(token) };
  }

  /**
   * Stores a file whose bytes have come to this server.
   *
   * @returns a signed URL, which a client can show, and send as the `url` of a `file` part
   * @throws AppError 413 or 415 for a file that may not be uploaded, 404 without storage, 502, 504
   */
  async store(
    identity: Identity,
    { filename, contentType, bytes }: { filename: string; contentType: string; bytes: Uint8Array },
  ): Promise<FileUrlDto> {
    const type = await this.expectAllowed(contentType, bytes.length);
    const path = newPath(identity.id, filename);
    await this.storage.upload(path, bytes, type);
    return this.signed(path);
  }

  /** The newest first. @throws AppError 404 without storage */
  async list(identity: Identity, { limit, cursor }: PageQuery): Promise<Page<FileDto>> {
    await this.expectAvailable();
    const filter = { userId: identity.id, after: decodeCursor(cursor), limit };
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.files.findPage(statements, filter),
    );
    return toPage(rows, limit, newestFirst, toFile);
  }

  /** @throws AppError 404 for a file that is not the user's, 502, 504 */
  async url(identity: Identity, path: string): Promise<FileUrlDto> {
    await this.expectOwn(identity, path);
    return this.signed(path);
  }

  /** Messages that name the file stay. @throws AppError 404, 502, 504 */
  async delete(identity: Identity, path: string): Promise<void> {
    await this.expectOwn(identity, path);
    await this.storage.remove([path]);
  }

  /** The files of a user who is about to be deleted. @throws AppError 502, 504 */
  async deleteAllOf(userId: string): Promise<void> {
    if (!(await this.isAvailable())) return;
    for (let count = 0; count < MAX_BATCHES; count++) {
      const paths = await this.files.findAllOf(userId, BATCH);
      if (paths.length === 0) return;
      await this.storage.remove(paths);
    }
  }

  private async signed(path: string): Promise<FileUrlDto> {
    const expiresAt = new Date(Date.now() + URL_LIFETIME * 1_000).toISOString();
    const url = (await this.storage.signDownloads([path], URL_LIFETIME)).get(path);
    if (url === undefined) throw notFound('The file');
    return { url, expiresAt };
  }

  /** @returns the media type without its parameters */
  private async expectAllowed(contentType: string, size: number): Promise<string> {
    await this.expectAvailable();
    const { maxSize, types } = await this.settings.current();
    const type = toMediaType(contentType);
    if (type === undefined) throw invalidField('contentType', 'must be a media type such as image/png');
    if (!isAllowedType(type, types))
      throw unsupportedMediaType(`Files of type ${type} cannot be uploaded. These can: ${types.join(', ')}.`);
    if (size > maxSize) throw payloadTooLarge(`A file can have at most ${maxSize} bytes.`);
    return type;
  }

  private async expectOwn(identity: Identity, path: string): Promise<void> {
    await this.expectAvailable();
    if (!isFilePath(path) || ownerOf(path) !== identity.id) throw notFound('The file');
    const [row] = await this.files.find(identity, [path]);
    if (!row) throw notFound('The file');
  }

  private async expectAvailable(): Promise<void> {
    if (await this.isAvailable()) return;
    throw new AppError(
      404,
      'not_found',
      'This server has no storage for files. It needs a Supabase project: its database, SUPABASE_URL and SUPABASE_SECRET_KEY.',
    );
  }
}

function toFile({ path, size, contentType, createdAt }: FileRow): FileDto {
  return { path, filename: nameOf(path), contentType, size, createdAt: createdAt.toISOString() };
}

/** The token is a JWT. Only the storage server checks its signature. */
function expiryOf(token: string): string {
  let seconds: unknown;
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    seconds = (JSON.parse(payload) as { exp?: unknown }).exp;
  } catch {
    // Other kinds of tokens contain no lifetime.
  }
  const known = typeof seconds === 'number' && Number.isSafeInteger(seconds);
  return new Date(known ? (seconds as number) * 1_000 : Date.now() + UPLOAD_LIFETIME * 1_000).toISOString();
}
