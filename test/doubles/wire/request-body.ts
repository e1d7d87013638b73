import type { IncomingMessage } from 'node:http';
import type { Body } from './dialect.js';

/** A request's body as an object: JSON, or a form with its files as `{name, type, data}` in base64. */
export async function readBody(
  request: IncomingMessage,
): Promise<{ body: Body | undefined; length: number }> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  const raw = Buffer.concat(pieces);
  const type = request.headers['content-type'] ?? '';
  const isForm = type.startsWith('multipart/form-data');
  const body = isForm ? await readForm(raw, type) : readJson(raw.toString());
  return { body, length: raw.length };
}

async function readForm(raw: Buffer, type: string): Promise<Body | undefined> {
  try {
    const form = await new Response(new Uint8Array(raw), { headers: { 'content-type': type } }).formData();
    const body: Body = {};
    for (const [name, value] of form) body[name] = typeof value === 'string' ? value : await readFile(value);
    return body;
  } catch {
    return undefined;
  }
}

async function readFile(file: File): Promise<Body> {
  const data = Buffer.from(await file.arrayBuffer()).toString('base64');
  return { name: file.name, type: file.type, data };
}

function readJson(raw: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
