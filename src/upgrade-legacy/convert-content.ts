import { type Converted, convertInvocation, convertParts, type Fields, isFields } from './convert-parts.js';

/** The results in rows with the role `tool`, by the id of their call. */
export function resultsOf(contents: unknown[]): Map<string, unknown> {
  const results = new Map<string, unknown>();
  for (const content of contents) {
    for (const part of Array.isArray(content) ? (content as unknown[]) : []) {
      if (!isFields(part) || part['type'] !== 'tool-result' || typeof part['toolCallId'] !== 'string')
        continue;
      results.set(part['toolCallId'], part['result'] ?? part['output'] ?? null);
    }
  }
  return results;
}

/** The ids of the calls in messages of the assistant. */
export function callsOf(contents: unknown[]): Set<string> {
  const calls = new Set<string>();
  for (const content of contents) {
    for (const part of Array.isArray(content) ? (content as unknown[]) : []) {
      if (isFields(part) && part['type'] === 'tool-call' && typeof part['toolCallId'] === 'string') {
        calls.add(part['toolCallId']);
      }
    }
  }
  return calls;
}

/** Converts the content of the first message table, which has the format that AI SDK 4 sent to models, to current parts. */
export function convertContent(content: unknown, results: Map<string, unknown>): Converted {
  const notes: string[] = [];
  if (typeof content === 'string')
    return { parts: content === '' ? [] : [{ type: 'text', text: content }], notes };
  if (!Array.isArray(content)) {
    notes.push('its content was no list');
    return { parts: isFields(content) ? convertParts([content], []).parts : [], notes };
  }
  const parts = (content as unknown[]).flatMap((part): Fields[] => {
    const isCall = isFields(part) && part['type'] === 'tool-call';
    const call = isCall ? convertInvocation(part, notes, results) : undefined;
    if (call) return [call];
    const converted = convertParts([part], []);
    notes.push(...converted.notes);
    return converted.parts;
  });
  return { parts, notes };
}
