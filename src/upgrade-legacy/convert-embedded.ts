import { toJson } from '../common/database/stored-json.js';
import { v5 as uuidv5, validate } from 'uuid';
import { convertContent, resultsOf } from './convert-content.js';
import { convertInvocation, convertParts, type Fields, isFields } from './convert-parts.js';
import type { EmbeddedChat } from './chats.repository.js';
import type { NewMessage } from './messages.repository.js';

const ROLES = new Set(['user', 'assistant', 'system']);
const MAX_TITLE = 80;

export interface ConvertedChat {
  title: string;
  messages: NewMessage[];
  notes: string[];
}

/**
 * The messages that the first schema stores in their chat. They have no id and no time of their own. Their ids are
 * derived from the chat's id and their position, so that a second run creates the same ids.
 */
export function convertEmbeddedChat({ id, createdAt, messages }: EmbeddedChat): ConvertedChat {
  const parsed: unknown = JSON.parse(messages);
  const notes: string[] = [];
  if (!Array.isArray(parsed)) notes.push('its messages were no list');
  const all: unknown[] = Array.isArray(parsed) ? parsed : [];
  const results = resultsOf(all.map((message) => (isFields(message) ? message['content'] : undefined)));
  const converted = all.flatMap((message, index): NewMessage[] => {
    if (!isFields(message) || message['role'] === 'tool') {
      if (!isFields(message)) notes.push('a message was no object');
      return [];
    }
    if (typeof message['role'] !== 'string' || !ROLES.has(message['role'])) {
      notes.push('a message of an unknown role was left out');
      return [];
    }
    return [
      {
        id: idOf(message, id, index),
        chatId: id,
        role: message['role'],
        createdAt: new Date(createdAt.getTime() + index),
        attachments: '[]',
        parts: toJson(partsOf(message, results, notes)),
      },
    ];
  });
  const question = converted.find(({ role }) => role === 'user');
  const text = question ? textOf(JSON.parse(question.parts) as Fields[]) : '';
  return { title: Array.from(text).slice(0, MAX_TITLE).join('') || 'New chat', messages: converted, notes };
}

function partsOf(message: Fields, results: Map<string, unknown>, notes: string[]): Fields[] {
  const calls = Array.isArray(message['toolInvocations']) ? (message['toolInvocations'] as unknown[]) : [];
  const invoked = calls.flatMap((call): Fields[] => {
    const part = convertInvocation(call, notes);
    return part ? [part] : [];
  });
  const content = convertContent(message['content'] ?? '', results);
  const attachments = message['experimental_attachments'] ?? [];
  const files = convertParts([], attachments);
  notes.push(...content.notes, ...files.notes);
  return [...files.parts, ...invoked, ...content.parts];
}

function idOf({ id }: Fields, chatId: string, index: number): string {
  if (typeof id === 'string' && validate(id)) return id;
  return uuidv5(typeof id === 'string' ? `id ${id}` : `place ${index}`, chatId);
}

function textOf(parts: Fields[]): string {
  return parts
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
