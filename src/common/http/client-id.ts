import { ApiParam } from '@nestjs/swagger';
import { v5 } from 'uuid';
import { invalidField } from '../errors/app-error.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MAX_LENGTH = 128;

export function isUuid(value: string): boolean {
  return UUID.test(value);
}

/**
 * The stored id for a client's id. A UUID is kept (in lower case). Any other string of 1–128 characters becomes the
 * UUIDv5 of that string in a namespace, so the same string always maps to the same row.
 *
 * @param namespace `idNamespace` of the user; nobody else can compute such an id and use it first
 * @throws AppError 400 naming `path`
 */
export function toStoredId(namespace: string, clientId: string, path: string): string {
  if (isUuid(clientId)) return clientId.toLowerCase();
  if (clientId.length < 1 || clientId.length > MAX_LENGTH) {
    throw invalidField(path, `must be a string of 1 to ${MAX_LENGTH} characters`);
  }
  return v5(clientId, namespace);
}

/** The same for a message, in a namespace of its chat, because clients number messages per chat. */
export function toStoredMessageId(namespace: string, chatId: string, clientId: string, path: string): string {
  return toStoredId(v5(chatId, namespace), clientId, path);
}

/** Documents a path parameter that accepts a UUID or a client's own id. */
export const ApiClientIdParam = (name: string, what: string) =>
  ApiParam({
    name,
    schema: { type: 'string', minLength: 1, maxLength: MAX_LENGTH },
    description: `The id of the ${what}: a UUID, or the id that the client chose.`,
  });
