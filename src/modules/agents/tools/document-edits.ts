import { z } from 'zod';
import { textProblem } from '../../../common/http/hostile-input.js';
import { contentProblem } from '../../documents/document-content.js';
import { isIn, replaceOnce } from '../../suggestions/replace-once.js';
import type { DocumentKind } from './document-prompts.js';

/** More edits than this are a rewrite. */
const MAX_EDITS = 20;
const MAX_OLD_TEXT = 10_000;
const MAX_NEW_TEXT = 20_000;

export const documentEdits = z
  .array(
    z.object({
      oldText: z
        .string()
        .min(1)
        .max(MAX_OLD_TEXT)
        .describe('What is replaced, character by character, long enough to occur only once'),
      newText: z.string().max(MAX_NEW_TEXT).describe('What takes its place'),
    }),
  )
  .max(MAX_EDITS);

export type DocumentEdit = z.output<typeof documentEdits>[number];

/** The new content, or a sentence that says why there is none. */
export type EditedContent = { content: string } | { problem: string };

/** Replaces one text after the other, each in the result of the previous edit. Makes all edits or none. */
export function editContent(kind: DocumentKind, content: string, edits: DocumentEdit[]): EditedContent {
  let edited = content;
  for (const [index, { oldText, newText }] of edits.entries()) {
    const next = replaceOnce(edited, oldText, newText);
    if (next === undefined) {
      const found = isIn(edited, oldText) ? 'occurs more than once' : 'does not occur';
      return { problem: `The oldText of edit ${index + 1} ${found}.` };
    }
    edited = next;
  }
  if (edited === content) return { problem: 'The edits change nothing.' };
  const problem = textProblem(edited) ?? contentProblem(kind, edited);
  return problem === undefined ? { content: edited } : { problem: `The edited document ${problem}.` };
}
