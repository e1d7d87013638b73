import { randomUUID } from 'node:crypto';
import { Agent, request as httpRequest } from 'node:http';
import { encode, type GeneratedRequest, isPlaceholder } from './request.js';
import type { Scene } from './target.js';

/** A request with everything filled in, as it is sent. */
export interface WireRequest {
  method: string;
  path: string;
  headers: Record<string, string>;
  body?: string;
}

export interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  text: string;
  bytes: number;
  milliseconds: number;
}

export const MAX_ANSWER = 5 * 1024 ** 2;
const TIMEOUT = 30_000;

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** Fills in the placeholders for existing things. */
export function toWire(request: GeneratedRequest, scene: Scene): WireRequest {
  const valueOf = (text: string) => (isPlaceholder(text) ? valueIn(scene, text.slice(1)) : text);
  const path = request.path
    .split('/')
    .map((segment) => encodeUnsafe(valueOf(segment)))
    .join('/');
  const query = request.query.map(([name, value]) => `${encode(name)}=${encode(valueOf(value))}`).join('&');
  const headers = Object.fromEntries(request.headers.map(([name, value]) => [name.toLowerCase(), value]));
  if (request.caller !== 'nobody') headers['authorization'] = `Bearer ${scene.tokens[request.caller]}`;
  if (request.contentType !== undefined) headers['content-type'] = request.contentType;
  const body = request.body?.replaceAll(/"(§[a-z]+(?:\.\d)?)"/g, (_, placeholder: string) =>
    JSON.stringify(valueOf(placeholder)),
  );
  return {
    method: request.method,
    path: query === '' ? path : `${path}?${encodeUnsafe(query)}`,
    headers,
    body,
  };
}

const valueIn = ({ values }: Scene, name: string) =>
  name === 'fresh' ? randomUUID() : (values[name] ?? name);

/** Node refuses to send these in a path at all. Values that start with `%` have been sent unchanged. */
const encodeUnsafe = (text: string) => text.replaceAll(/[^\x21-\x7e]/gu, (character) => encode(character));

/** @throws Error if there is no response, or if it does not end */
export function send(url: string, { method, path, headers, body }: WireRequest): Promise<WireAnswer> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest({ hostname, port, method, path, headers: { ...headers, ...length }, agent });
    const timer = setTimeout(() => request.destroy(new Error(`no end after ${TIMEOUT} ms`)), TIMEOUT);
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= MAX_ANSWER) chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('close', () => clearTimeout(timer));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(
            Object.entries(response.headers).map(([name, value]) => [name, String(value)]),
          ),
          text: Buffer.concat(chunks).toString('utf8'),
          bytes,
          milliseconds: performance.now() - started,
        }),
      );
    });
    request.end(body);
  });
}

/** A command for a shell. The caller stores a long body. */
export function toCurl({ method, path, headers, body }: WireRequest, bodyFile?: string): string {
  const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const lines = [
    `curl -i --path-as-is -X ${method} "$URL"${quote(path)}`,
    ...Object.entries(headers).map(([name, value]) =>
      name === 'authorization'
        ? '-H "authorization: Bearer $TOKEN"'
        : `-H ${quote(value === '' ? `${name};` : `${name}: ${value}`)}`,
    ),
    ...(body === undefined ? [] : [`--data-binary ${bodyFile === undefined ? quote(body) : `@${bodyFile}`}`]),
  ];
  return lines.join(' ');
}
