import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { unavailable } from '../errors/app-error.js';

const REFRESH_AFTER = 10 * 60_000;
const FETCH_TIMEOUT = 5_000;
/** A set of a hundred keys is smaller than 100 KB. */
const MAX_ANSWER = 256 * 1024;
const MAX_KEYS = 100;
/** The number of fetches that unknown key ids may cause at once. After that, one more per refill interval. */
const UNKNOWN_KID_BURST = 3;
const UNKNOWN_KID_REFILL = 10_000;

type SigningAlgorithm = 'ES256' | 'RS256';

interface SigningKey {
  key: KeyObject;
  algorithm: SigningAlgorithm;
}

/**
 * The public signing keys of a Supabase project, by key id. They are fetched on first use, refreshed in the background
 * when they are old, and kept while the endpoint is unavailable. An unknown key id causes a fetch, but only a few in a
 * row, so that invented ids do not cause traffic.
 */
export class JwksKeys {
  private keys = new Map<string, SigningKey>();
  private fetchedAt?: number;
  private pending?: Promise<void>;
  private unknownKidCredit = UNKNOWN_KID_BURST;
  private creditedAt = 0;

  constructor(
    private readonly url: string,
    private readonly onError: (error: unknown) => void = () => undefined,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /**
   * Returns the key with this id and algorithm, or undefined.
   *
   * @throws AppError 503 if the keys were never fetched; later, an unavailable endpoint only means that there are no
   * new keys
   */
  async find(kid: string, algorithm: SigningAlgorithm): Promise<KeyObject | undefined> {
    const known = this.keys.get(kid);
    if (known) {
      if (this.now() - (this.fetchedAt ?? 0) > REFRESH_AFTER && this.takeCredit()) void this.refresh();
    } else if (this.pending !== undefined || this.takeCredit()) {
      await this.refresh();
    }
    if (this.fetchedAt === undefined)
      throw unavailable('The keys for verifying access tokens cannot be fetched.', 5);
    const key = this.keys.get(kid);
    return key?.algorithm === algorithm ? key.key : undefined;
  }

  private takeCredit(): boolean {
    const earned = Math.floor((this.now() - this.creditedAt) / UNKNOWN_KID_REFILL);
    if (earned !== 0) {
      // If the clock jumps back, no fetches are added, and counting starts again.
      this.unknownKidCredit = Math.min(UNKNOWN_KID_BURST, this.unknownKidCredit + Math.max(0, earned));
      this.creditedAt = this.now();
    }
    if (this.unknownKidCredit === 0) return false;
    this.unknownKidCredit--;
    return true;
  }

  private refresh(): Promise<void> {
    this.pending ??= this.fetchKeys()
      .catch(this.onError)
      .finally(() => (this.pending = undefined));
    return this.pending;
  }

  private async fetchKeys(): Promise<void> {
    const response = await fetch(this.url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(FETCH_TIMEOUT),
    });
    if (!response.ok) throw new Error(`The JWKS endpoint responded with status ${response.status}.`);
    const answer = JSON.parse(await readText(response)) as { keys?: unknown } | null;
    if (!Array.isArray(answer?.keys)) throw new Error('The JWKS endpoint did not return a key set.');
    const keys = new Map(answer.keys.slice(0, MAX_KEYS).flatMap((jwk: unknown) => toEntry(jwk)));
    // A project with a shared secret publishes no keys. A project that has published keys always has one.
    if (keys.size === 0 && this.keys.size > 0) throw new Error('The JWKS endpoint returned no usable key.');
    this.keys = keys;
    this.fetchedAt = this.now();
  }
}

/** The text of a response, unless it is larger than a key set can be. */
async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop cancels the response.
    if (size > MAX_ANSWER) throw new Error('The response of the JWKS endpoint is too large for a key set.');
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Uses only keys that can verify ES256 or RS256. Symmetric and unreadable keys in the set are skipped. */
function toEntry(published: unknown): Array<[string, SigningKey]> {
  if (typeof published !== 'object' || published === null) return [];
  const jwk = published as JsonWebKey & { kid?: unknown; use?: unknown };
  const algorithm =
    jwk.kty === 'EC' && jwk.crv === 'P-256' ? 'ES256' : jwk.kty === 'RSA' ? 'RS256' : undefined;
  if (algorithm === undefined || typeof jwk.kid !== 'string' || (jwk.use !== undefined && jwk.use !== 'sig'))
    return [];
  try {
    return [[jwk.kid, { algorithm, key: createPublicKey({ key: jwk, format: 'jwk' }) }]];
  } catch {
    return [];
  }
}
