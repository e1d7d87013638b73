import type { UIMessage } from 'ai';
import { invalidField, notFound } from '../../common/errors/app-error.js';
import { partsForModel } from './stored-parts.js';
import type { HistoryRange, HistoryRow } from './history.repository.js';
import type { TurnAction, TurnRequest } from './turn.types.js';

/** What a request does to the existing messages. */
export interface Change {
  kept: HistoryRow[];
  /** Everything after the last kept message is removed. */
  removesLater: boolean;
  edits: boolean;
}

/** The messages that a request needs. Messages after the one that it is about do not matter. */
export function rangeOf({ action }: Pick<TurnRequest, 'action'>): HistoryRange {
  if (action.type === 'submit') return { target: action.message.id, mustHaveQuestion: false };
  return { target: action.type === 'regenerate' ? action.messageId : undefined, mustHaveQuestion: true };
}

export function planChange(rows: HistoryRow[], action: Exclude<TurnAction, { type: 'approve' }>): Change {
  if (action.type === 'submit') {
    const index = rows.findIndex(({ id }) => id === action.message.id);
    if (index < 0) return { kept: rows, removesLater: false, edits: false };
    if (rows[index]?.role !== 'user') throw invalidField('message.id', 'is the id of an answer');
    return { kept: rows.slice(0, index + 1), removesLater: true, edits: true };
  }
  const target =
    action.messageId === undefined
      ? Math.max(
          rows.findLastIndex(({ role }) => role === 'assistant'),
          rows.findLastIndex(({ role }) => role === 'user'),
        )
      : rows.findIndex(({ id }) => id === action.messageId);
  if (action.messageId !== undefined && target < 0) throw notFound('The message');
  const kept = rows.slice(0, rows[target]?.role === 'assistant' ? target : target + 1);
  if (!kept.some(({ role }) => role === 'user'))
    throw invalidField('trigger', 'there is no message to answer');
  return { kept, removesLater: true, edits: false };
}

/** Providers require that a conversation begins with a question. After a long conversation is shortened, it may begin with an answer. */
export function fromFirstQuestion(rows: HistoryRow[]): HistoryRow[] {
  const first = rows.findIndex(({ role }) => role === 'user');
  return first < 0 ? [] : rows.slice(first);
}

export function toUiMessage({ id, role, parts }: HistoryRow): UIMessage {
  return { id, role, parts: partsForModel(role, parts) };
}
