import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SigningKey {
  kid: string;
  algorithm: 'ES256' | 'RS256';
  privateKey: KeyObject;
  publicKey: KeyObject;
}

export interface JwksServer {
  /** The value for SUPABASE_URL. */
  url: string;
  issuer: string;
  fetches: number;
  /** False makes the endpoint answer 503. */
  healthy: boolean;
  keys: SigningKey[];
  close(): Promise<void>;
}

export function createKey(algorithm: 'ES256' | 'RS256'): SigningKey {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { kid: randomUUID(), algorithm, ...pair };
}

/** Serves public keys as a Supabase project does. */
export async function startJwksServer(): Promise<JwksServer> {
  const state = { fetches: 0, healthy: true, keys: [createKey('ES256'), createKey('RS256')] };
  const server = createServer((request, response) => {
    if (request.url !== '/auth/v1/.well-known/jwks.json') return void response.writeHead(404).end();
    state.fetches++;
    if (!state.healthy) return void response.writeHead(503).end();
    const keys = state.keys.map(({ kid, algorithm, publicKey }) => ({
      ...publicKey.export({ format: 'jwk' }),
      kid,
      alg: algorithm,
      use: 'sig',
    }));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(state, {
    url,
    issuer: `${url}/auth/v1`,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  });
}
