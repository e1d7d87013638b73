import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { App } from '@supabase/lite';

type StorageAdapter = NonNullable<App['_storageAdapter']>;
type ObjectMetadata = Awaited<ReturnType<StorageAdapter['headObject']>>;

interface Sidecar {
  contentType: string;
  cacheControl: string;
  eTag: string;
}

/** Only the owner of the process can read users' files, whatever the umask is. */
const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;

/**
 * Stores the bytes of Supabase-compatible storage in a folder. Users choose the names of objects, so files are named by
 * the hash of bucket and key, never by the key itself. Data is streamed: no file is held in memory.
 */
export class FolderStorageAdapter implements StorageAdapter {
  readonly driver = null;

  constructor(private readonly folder: string) {}

  async uploadObject(...args: Parameters<StorageAdapter['uploadObject']>): Promise<ObjectMetadata> {
    const [bucket, key, , body, contentType, cacheControl] = args;
    const path = this.pathOf(bucket, key);
    await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
    await this.replace(path, async (part) => {
      const digest = createHash('md5');
      const source =
        body instanceof Uint8Array
          ? Readable.from([body])
          : Readable.fromWeb(body as Parameters<typeof Readable.fromWeb>[0]);
      const hash = new Transform({
        transform(chunk: Buffer, _encoding, next) {
          digest.update(chunk);
          next(null, chunk);
        },
      });
      await pipeline(source, hash, createWriteStream(part, { mode: FILE_MODE }));
      return { contentType, cacheControl, eTag: `"${digest.digest('hex')}"` };
    });
    return this.headObject(bucket, key);
  }

  async getObject(...args: Parameters<StorageAdapter['getObject']>): ReturnType<StorageAdapter['getObject']> {
    const [bucket, key] = args;
    const metadata = await this.headObject(bucket, key);
    const body = Readable.toWeb(createReadStream(this.pathOf(bucket, key))) as ReadableStream;
    return { httpStatusCode: 200, metadata, body };
  }

  async headObject(bucket: string, key: string): Promise<ObjectMetadata> {
    const path = this.pathOf(bucket, key);
    const { size, mtime } = await stat(path);
    const { contentType, cacheControl, eTag } = await readSidecar(path);
    return {
      cacheControl,
      contentLength: size,
      size,
      mimetype: contentType,
      lastModified: mtime,
      eTag,
      httpStatusCode: 200,
    };
  }

  async copyObject(
    ...args: Parameters<StorageAdapter['copyObject']>
  ): ReturnType<StorageAdapter['copyObject']> {
    const [bucket, key, , toBucket, toKey] = args;
    const [from, to] = [this.pathOf(bucket, key), this.pathOf(toBucket, toKey)];
    await mkdir(dirname(to), { recursive: true, mode: FOLDER_MODE });
    await this.replace(to, async (part) => {
      await copyFile(from, part);
      return readSidecar(from);
    });
    return this.headObject(toBucket, toKey);
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    const path = this.pathOf(bucket, key);
    await Promise.all([rm(path, { force: true }), rm(`${path}.json`, { force: true })]);
  }

  async deleteObjects(bucket: string, keys: string[]): Promise<void> {
    for (const key of keys) await this.deleteObject(bucket, key);
  }

  privateAssetUrl(bucket: string, key: string): Promise<string> {
    return Promise.resolve(`file://${this.pathOf(bucket, key)}`);
  }

  /** Writes to a temporary file first, so that an interrupted upload leaves the existing file unchanged. */
  private async replace(path: string, write: (part: string) => Promise<Sidecar>): Promise<void> {
    const part = `${path}.${randomUUID()}.part`;
    try {
      const sidecar = await write(part);
      await writeFile(`${part}.json`, JSON.stringify(sidecar), { mode: FILE_MODE });
      await rename(`${part}.json`, `${path}.json`);
      await rename(part, path);
    } finally {
      await Promise.all([rm(part, { force: true }), rm(`${part}.json`, { force: true })]);
    }
  }

  // Objects are uploaded without the version that is later requested. There is only one version of each.
  private pathOf(bucket: string, key: string): string {
    const name = createHash('sha256')
      .update(JSON.stringify([bucket, key]))
      .digest('hex');
    return join(this.folder, name.slice(0, 2), name);
  }
}

async function readSidecar(path: string): Promise<Sidecar> {
  return JSON.parse(await readFile(`${path}.json`, 'utf8')) as Sidecar;
}
