import { Inject, Injectable } from '@nestjs/common';
import type { SupabaseClient } from '@supabase/supabase-js';
import { type AppError, upstreamError, upstreamTimeout } from '../../common/errors/app-error.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { BUCKET } from './file-path.js';

type Bucket = ReturnType<SupabaseClient['storage']['from']>;

/** An error of the client library. Without an answer, the cause is in `originalError`. */
interface Failure {
  name?: string;
  status?: number;
  statusCode?: string;
  originalError?: unknown;
}

/** The timeout of one request with its answer. A large file takes a while. */
const TIMEOUT = 30_000;

/** Supabase Storage, accessed with the secret key. */
@Injectable()
export class StorageClient {
  private client?: Promise<SupabaseClient>;

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {}

  /** URL of the Supabase project. Undefined if this server has no access to its storage. */
  get url(): string | undefined {
    const { url, secretKey } = this.config.supabase;
    return secretKey === undefined ? undefined : url;
  }

  /** @throws AppError 502 or 504, like all methods here */
  async signUpload(path: string): Promise<{ token: string; signedUrl: string }> {
    return this.ask((bucket) => bucket.createSignedUploadUrl(path));
  }

  /** Signed URLs by path. Missing files have none. */
  async signDownloads(paths: string[], seconds: number): Promise<Map<string, string>> {
    const signed = await this.ask((bucket) => bucket.createSignedUrls(paths, seconds));
    return new Map(
      signed.flatMap(({ path, signedUrl }) => (path && signedUrl ? [[path, signedUrl] as const] : [])),
    );
  }

  async upload(path: string, bytes: Uint8Array, contentType: string): Promise<void> {
    await this.ask(async (bucket) => {
      const { error } = await bucket.upload(path, bytes, { contentType });
      // The file exists already.
      const isThere = (error as Failure | null)?.statusCode === '409';
      return { data: true, error: isThere ? null : error };
    });
  }

  /** @param limit in bytes; a larger file fails */
  async download(path: string, limit: number): Promise<Uint8Array> {
    return this.ask(async (bucket) => {
      const { data, error } = await bucket.download(path).asStream();
      if (error) return { data: null, error };
      return { data: await readAll(data as ReadableStream<Uint8Array>, limit), error: null };
    });
  }

  async remove(paths: string[]): Promise<void> {
    if (paths.length > 0) await this.ask((bucket) => bucket.remove(paths));
  }

  private async ask<T>(request: (bucket: Bucket) => Promise<{ data: T | null; error: unknown }>): Promise<T> {
    const { storage } = await (this.client ??= this.connect());
    try {
      const { data, error } = await request(storage.from(BUCKET));
      if (error || data === null) throw error;
      return data;
    } catch (error) {
      throw failureOf(error as Failure | null);
    }
  }

  /** The library is loaded only where it is used. */
  private async connect(): Promise<SupabaseClient> {
    const { url, secretKey } = this.config.supabase;
    if (!url || !secretKey) throw new Error('This server has no storage for files.');
    const { createClient } = await import('@supabase/supabase-js');
    return createClient(url, secretKey, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      global: {
        // The key is only sent to the configured server, even if an answer points to another one.
        fetch: (input, init) =>
          fetch(input, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT) }),
      },
    });
  }
}

function failureOf(error: Failure | null): AppError {
  const causes = [error, error?.originalError] as Array<Failure | null | undefined>;
  if (causes.some((cause) => cause?.name === 'TimeoutError'))
    return upstreamTimeout('Supabase Storage did not answer in time.', error);
  const status = Number(error?.statusCode ?? error?.status ?? 0);
  if (!status) return upstreamError('Supabase Storage cannot be reached.', error);
  return status === 401 || status === 403
    ? upstreamError('Supabase Storage refused the secret key of this server.', error)
    : upstreamError(`Supabase Storage refused the request (status ${status}).`, error);
}

async function readAll(stream: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw new Error('The file is larger than storage reported.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
