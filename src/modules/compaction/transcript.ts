import { getToolName, isToolUIPart, type UIMessage } from 'ai';
import type { WrittenMessage } from './compaction.repository.js';

/** The characters of a tool's input, and of its output, that a summary is based on. */
const MAX_TOOL_TEXT = 4_000;
/** The characters of a message that a summary is based on. */
const MAX_MESSAGE = 100_000;

/** A message as the model that summarizes gets it. */
export interface Line {
  from: 'user' | 'assistant';
  text: string;
}

/** The words of a message, and what its tools did. Reasoning and the content of files are left out. */
export function toLine({ role, parts }: Pick<WrittenMessage, 'role' | 'parts'>): Line {
  const list = Array.isArray(parts) ? (parts as unknown[]) : [];
  const texts = list.map(textOf).filter((text) => text.trim() !== '');
  return { from: role, text: cutMiddle(texts.join('\n\n'), MAX_MESSAGE) };
}

/** The owner of a row may have written anything into it. */
function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('type' in value)) return '';
  const part = value as UIMessage['parts'][number];
  if (part.type === 'text') return typeof part.text === 'string' ? part.text : '';
  if (part.type === 'file') {
    const name = typeof part.filename === 'string' ? part.filename : part.mediaType;
    return `[file: ${String(name).slice(0, 255)}]`;
  }
  if (typeof part.type !== 'string' || !isToolUIPart(part)) return '';
  const { input, output, errorText } = part as { input?: unknown; output?: unknown; errorText?: unknown };
  const result = errorText === undefined ? output : { error: errorText };
  return `[tool ${getToolName(part)}: ${beginningOf(input)}]${result === undefined ? '' : `\n[result: ${beginningOf(result)}]`}`;
}

function beginningOf(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length <= MAX_TOOL_TEXT ? text : `${text.slice(0, MAX_TOOL_TEXT).toWellFormed()}…`;
}

function cutMiddle(text: string, length: number): string {
  if (text.length <= length) return text;
  const half = Math.floor(length / 2);
  return `${text.slice(0, half).toWellFormed()}\n[…]\n${text.slice(-half).toWellFormed()}`;
}
