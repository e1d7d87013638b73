import { type FieldError, validationFailed } from '../../common/errors/app-error.js';
import { findMisspelt } from '../../config/spelling.js';

/** The fields of `POST /api/chat`. */
const FIELDS = [
  'id',
  'message',
  'messages',
  'trigger',
  'messageId',
  'model',
  'agent',
  'thinking',
  'interrupt',
  'visibility',
  'documentId',
  'repositoryId',
];

/** Names that this API uses elsewhere for what a field is about. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  agentType: 'agent',
  chatId: 'id',
  modelId: 'model',
  modelUsed: 'model',
};

/** Clients add a few fields of their own. A body with thousands of them must not delay other requests. */
const MAX_CHECKED = 100;

/**
 * Clients add fields of their own, which is fine. A field that was meant for this server must not be ignored in
 * silence.
 *
 * @throws AppError 400 naming each such field
 */
export function checkFields(body: Readonly<Record<string, unknown>>): void {
  const unknown = Object.entries(body).filter(([name]) => !FIELDS.includes(name));
  const errors = unknown.slice(0, MAX_CHECKED).flatMap(([name, value]): FieldError[] => {
    if (name === 'tools') return isEmpty(value) ? [] : [{ path: name, message: TOOLS }];
    const meant = meantBy(name, body);
    return meant === undefined ? [] : [{ path: name, message: `is not a field: did you mean ${meant}?` }];
  });
  if (errors.length > 0) throw validationFailed(errors);
}

const TOOLS = 'cannot be sent: the tools belong to the agents, see the field agent';

/** A field that is sent under its own name, too, shows that the other one is the client's own. */
function meantBy(name: string, body: Readonly<Record<string, unknown>>): string | undefined {
  const other = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
  if (other !== undefined) return Object.hasOwn(body, other) ? undefined : other;
  return findMisspelt(name, FIELDS);
}

/** Some chat interfaces always send the field. */
function isEmpty(value: unknown): boolean {
  return (
    value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
  );
}
