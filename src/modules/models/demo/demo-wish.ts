import { excerpt, oneLine } from './demo-prompt.js';

export type DemoDocumentKind = 'text' | 'code' | 'image' | 'sheet';

/** What a message asks for regarding documents. */
export type DemoWish =
  { type: 'create'; kind: DemoDocumentKind; title: string } | { type: 'change' } | { type: 'suggest' };

const MAX_TITLE = 80;
/** The number of characters to check. Users usually say what they want at the beginning. */
const MAX_READ = 2_000;

const NOUNS: Record<DemoDocumentKind, string> = {
  text: 'documents?|essays?|articles?|story|stories|poems?|letters?|reports?|texts?|speech|post|outline|notes?|e-?mails?|recipes?|plans?',
  code: 'code|functions?|scripts?|programs?|class|snippets?|python|javascript|typescript|sql',
  sheet: 'tables?|spreadsheets?|sheets?|csv',
  image: 'images?|pictures?|drawings?|paintings?|illustrations?|photos?|logos?',
};
const KINDS = Object.keys(NOUNS) as DemoDocumentKind[];
const NOUN = Object.values(NOUNS).join('|');

const CREATING = new RegExp(
  `\\b(?:write|draft|compose|create|make|generate|prepare|draw|paint)\\b(?<before>[^.?!\\n]*?)\\b(?<noun>${NOUN})\\b(?<rest>[^\\n]*)`,
  'i',
);
const WRITING_ABOUT = /\bwrite\b[^.?!\n]*?\babout\b(?<rest>[^\n]*)/i;
const DRAWING = /\b(?:draw|paint)\b(?<rest>[^\n]*)/i;
/** A question about how a letter is written does not ask for a letter. */
const ASKING = /^\W*(?:how|what|why|when|where|who|which|is|are|do|does|did)\b/i;

const CHANGING =
  /\b(?:change|edit|revise|rewrite|update|improve|shorten|expand|extend|translate|replace|rename|correct|add|remove|polish|write|make)\b/i;
const SUGGESTING = /\b(?:suggest|suggestions?|proofread|review)\b/i;
/** Words for what a change is about, used if no document is open that the message could mean. */
const MEANING_ONE = new RegExp(`\\b(?:it|this|that|improvements?|${NOUN})\\b`, 'i');
const A_NEW_ONE = /\b(?:a|an|another|new)\b/i;

/** A few English words, matched literally. A demo does not need more. */
export function readWish(text: string, hasDocument: boolean): DemoWish | undefined {
  const message = text.slice(0, MAX_READ);
  if (ASKING.test(message)) return undefined;
  const isMeant = hasDocument || MEANING_ONE.test(message);
  if (SUGGESTING.test(message) && isMeant) return { type: 'suggest' };
  const wanted = creationIn(message, hasDocument);
  if (wanted) return { type: 'create', ...wanted };
  return CHANGING.test(message) && isMeant ? { type: 'change' } : undefined;
}

function creationIn(
  message: string,
  hasDocument: boolean,
): { kind: DemoDocumentKind; title: string } | undefined {
  const { before = '', noun, rest = '' } = CREATING.exec(message)?.groups ?? {};
  if (noun !== undefined) {
    // "Make the essay shorter" refers to the existing essay.
    if (!A_NEW_ONE.test(before) && (hasDocument || /\b(?:it|this|that)\b/i.test(before))) return undefined;
    const kind = KINDS.find((name) => new RegExp(`^(?:${NOUNS[name]})$`, 'i').test(noun)) ?? 'text';
    return { kind, title: titleFrom(rest) || capitalized(noun) };
  }
  const drawing = DRAWING.exec(message)?.groups?.['rest'];
  if (drawing !== undefined && (!hasDocument || A_NEW_ONE.test(drawing)))
    return { kind: 'image', title: titleFrom(drawing) || 'Picture' };
  if (hasDocument) return undefined;
  const about = WRITING_ABOUT.exec(message)?.groups?.['rest'];
  return about === undefined ? undefined : { kind: 'text', title: titleFrom(about) || 'Text' };
}

/** The subject of the document: `about tides, please.` becomes `Tides`. */
function titleFrom(words: string): string {
  const subject = oneLine(words)
    .replace(/^[\s,:;–-]*(?:(?:about|on|of|for|that|which|with|called|named|titled|an?|the)\s+)*/i, '')
    .replace(/[\s,;]+please\b.*$/i, '')
    .replace(/[.?!].*$/, '')
    .replace(/^["'“”‘’]+|["'“”‘’]+$/g, '');
  return excerpt(capitalized(subject), MAX_TITLE);
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
