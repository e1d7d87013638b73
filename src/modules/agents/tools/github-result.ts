import type { CallToolResult } from '@ai-sdk/mcp';
import { bounded } from '../../../common/database/bounded-json.js';
import type { Redact } from './secret-redaction.js';

const MARGIN = 2_048;

/**
 * The result of a tool as a text of at most `limit` characters, with a note if it was cut. Anything else (pictures,
 * sounds, files, links) is left out, and nothing is fetched.
 */
export function textOfResult(result: CallToolResult, limit: number, redact: Redact = (text) => text): string {
  const text = readText(result);
  if (text.length <= limit) return redact(text);
  const note = `[Cut: these are the first ${limit} of ${text.length} characters. Ask for less at a time.]`;
  // A secret at the cut is still found as a whole.
  const shown = redact(text.slice(0, limit + MARGIN)).slice(0, limit);
  return `${shown.toWellFormed()}\n\n${note}`;
}

function readText(result: CallToolResult): string {
  const { content, structuredContent } = result as { content?: unknown; structuredContent?: unknown };
  if (!Array.isArray(content)) return JSON.stringify(bounded(structuredContent ?? null));
  const texts = content.map(textOfPart);
  const omitted = texts.filter((text) => text === undefined).length;
  return [
    ...texts.filter((text) => text !== undefined),
    ...(omitted > 0
      ? [`[${omitted} ${omitted === 1 ? 'part' : 'parts'} of the result omitted: no text.]`]
      : []),
  ].join('\n\n');
}

/** A file is a text of its own, or an embedded resource with a text. */
function textOfPart(part: unknown): string | undefined {
  const { type, text, resource } = (part ?? {}) as {
    type?: unknown;
    text?: unknown;
    resource?: { text?: unknown };
  };
  const found = type === 'text' ? text : type === 'resource' ? resource?.text : undefined;
  return typeof found === 'string' ? found : undefined;
}
