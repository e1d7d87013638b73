import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { App } from '@supabase/lite';

type StorageAdapter = NonNullable<App['_storageAdapter']>;
type ObjectMetadata = Awaited<ReturnType<StorageAdapter['headObject']>>;

interface Sidecar {
  contentType: string;
  cacheControl: string;
  eTag: string;
}

/**
 * Keeps the bytes of Supabase-compatible storage in a folder. The names of objects come from users, so files are named
 * by the hash of bucket and key and never by the key itself.
 */
export class FolderStorageAdapter implements StorageAdapter {
  readonly driver = null;

  constructor(private readonly folder: string) {}

  async uploadObject(...args: Parameters<StorageAdapter['uploadObject']>): Promise<ObjectMetadata> {
    const [bucket, key, , body, contentType, cacheControl] = args;
    const bytes =
      body instanceof Uint8Array
        ? body
        : Buffer.from(await new Response(body as ReadableStream).arrayBuffer());
    const path = this.pathOf(bucket, key);
    const sidecar: Sidecar = {
      contentType,
      cacheControl,
      eTag: `"${createHash('md5').update(bytes).digest('hex')}"`,
    };
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    await writeFile(`${path}.json`, JSON.stringify(sidecar));
    return this.headObject(bucket, key);
  }

  async getObject(...args: Parameters<StorageAdapter['getObject']>): ReturnType<StorageAdapter['getObject']> {
    const [bucket, key] = args;
    const metadata = await this.headObject(bucket, key);
    return { httpStatusCode: 200, metadata, body: await readFile(this.pathOf(bucket, key)) };
  }

  async headObject(bucket: string, key: string): Promise<ObjectMetadata> {
    const path = this.pathOf(bucket, key);
    const { size, mtime } = await stat(path);
    const { contentType, cacheControl, eTag } = JSON.parse(await readFile(`${path}.json`, 'utf8')) as Sidecar;
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
    await mkdir(dirname(to), { recursive: true });
    await Promise.all([copyFile(from, to), copyFile(`${from}.json`, `${to}.json`)]);
    return this.headObject(toBucket, toKey);
  }

  async deleteObject(bucket: string, key: string): Promise<void> {
    const path = this.pathOf(bucket, key);
    await Promise.all([rm(path, { force: true }), rm(`${path}.json`, { force: true })]);
  }

  async deleteObjects(bucket: string, keys: string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.deleteObject(bucket, key)));
  }

  privateAssetUrl(bucket: string, key: string): Promise<string> {
    return Promise.resolve(`file://${this.pathOf(bucket, key)}`);
  }

  // Objects are uploaded without the version that they are asked for with later: there is one of each.
  private pathOf(bucket: string, key: string): string {
    const name = createHash('sha256')
      .update(JSON.stringify([bucket, key]))
      .digest('hex');
    return join(this.folder, name.slice(0, 2), name);
  }
}
