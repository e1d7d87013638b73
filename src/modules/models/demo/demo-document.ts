import { PROVIDERS, VENDORS } from '../vendors/vendors.js';
import { excerpt, oneLine } from './demo-prompt.js';

type WrittenKind = 'text' | 'code' | 'sheet';

const MAX_QUOTED = 200;
const MAX_WORDS = 12;

/**
 * The content of a document.
 *
 * @param request its title, and what it should contain
 */
export function writeDocument(instructions: string, request: string): string {
  const [title = '', ...rest] = request.split('\n');
  const asked = excerpt(oneLine(rest.join(' ')), MAX_QUOTED) || title;
  switch (kindIn(instructions)) {
    case 'code':
      return code(title, asked);
    case 'sheet':
      return sheet(title, asked);
    case 'text':
      return text(title, asked);
  }
}

/** The whole document after the change. */
export function changeDocument(instructions: string, request: string): string {
  const content = contentIn(instructions);
  const asked = oneLine(request);
  const kind = kindIn(instructions);
  const replaced = replaceIn(content, asked, kind);
  if (replaced !== undefined) return replaced;
  const shorter = /\bshort/i.test(asked) && kind === 'text' ? firstHalf(content) : content;
  if (shorter !== content) return shorter;
  const quoted = excerpt(asked, MAX_QUOTED);
  switch (kind) {
    case 'code':
      return `${content}\n${commentMark(content)} The demo model was asked for this change, and cannot make it: ${quoted}\n`;
    case 'sheet':
      return `${content.trimEnd()}\n${addedRow(content, quoted)}\n`;
    case 'text':
      return `${content}\n\n## A change\n\nThe demo model was asked for this: “${quoted}”. It can put one text in the place of another (“replace this with that”), and shorten a text; whatever else is asked for, it adds a section like this one.\n`;
  }
}

/** `Replace “this” with “that”.` */
export function replacementIn(asked: string): { from: string; to: string } | undefined {
  const { from, to } =
    /\b(?:replace|change|rename)\s+["“'‘]?(?<from>.+?)["”'’]?\s+(?:with|to|into|by)\s+["“'‘]?(?<to>.+?)["”'’]?[.!]?$/i.exec(
      asked,
    )?.groups ?? {};
  return from === undefined || to === undefined ? undefined : { from, to };
}

export function commentMark(content: string): string {
  return /^\s*(?:#|def |import \w+$|from \w+ import)/m.test(content) ? '#' : '//';
}

function kindIn(instructions: string): WrittenKind {
  const [form = ''] = instructions.split('<document>');
  if (/\bCSV\b/.test(form)) return 'sheet';
  return /\bpiece of code\b/.test(form) ? 'code' : 'text';
}

function contentIn(instructions: string): string {
  const opening = '<document>\n';
  const start = instructions.indexOf(opening);
  return start < 0
    ? ''
    : instructions.slice(start + opening.length, instructions.lastIndexOf('\n</document>'));
}

function text(title: string, asked: string): string {
  return `# ${title}

The demo model wrote this document when it was asked: “${asked}”. It is not a language model, so it really knows nothing about the matter.

## How it came about

Each word was sent to its reader while it was being written. When the last word was there, the whole text was stored as a version.

## What can be done with it

Ask for a change, and the document gets another version. Ask for suggestions, and each of them can be applied or dismissed. Every version stays, and can be restored.

With a key for ${anyVendor()}, a language model writes in this place.
`;
}

function code(title: string, asked: string): string {
  const request = JSON.stringify(asked);
  const note =
    'Written by the demo model, which is not a language model: it only repeats what was asked for.';
  if (/\bpython\b/i.test(`${title} ${asked}`))
    return `# ${title}\n# ${note}\n\n\ndef main():\n    return ${request}\n\n\nprint(main())\n`;
  return `// ${title}\n// ${note}\n\nfunction main() {\n  return ${request};\n}\n\nconsole.log(main());\n`;
}

/** The words of the request with their counts, so that the sheet has a subject. */
function sheet(title: string, asked: string): string {
  const words = `${title} ${asked}`.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu) ?? [];
  const distinct = [...new Set(words.map((word) => word.toLowerCase()))].slice(0, MAX_WORDS);
  const rows = distinct.map((word, index) => [String(index + 1), word, String(Array.from(word).length), '']);
  const note = 'Made by the demo model, which is not a language model, from the words of the request.';
  return [['number', 'word', 'letters', 'note'], ['0', title, '', note], ...rows].map(toRow).join('');
}

function toRow(fields: string[]): string {
  return `${fields.map(toField).join(',')}\n`;
}

function toField(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** Has as many fields as the first row. */
function addedRow(content: string, asked: string): string {
  let fields = 1;
  let isQuoted = false;
  for (const character of content) {
    if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && character === ',') fields++;
    else if (!isQuoted && character === '\n') break;
  }
  return [asked, ...Array.from({ length: fields - 1 }, () => '')].map(toField).join(',');
}

function replaceIn(content: string, asked: string, kind: WrittenKind): string | undefined {
  const { from = '', to = '' } = replacementIn(asked) ?? {};
  if (from === '' || !content.includes(from)) return undefined;
  // A sheet stays a sheet.
  if (kind === 'sheet' && /["\r\n,]/.test(from + to)) return undefined;
  return content.replaceAll(from, () => to);
}

/** The first half of its paragraphs. */
function firstHalf(content: string): string {
  const paragraphs = content.trim().split(/\n{2,}/);
  return paragraphs.length === 1
    ? content
    : `${paragraphs.slice(0, Math.ceil(paragraphs.length / 2)).join('\n\n')}\n`;
}

/** `Acme, Beta or Gamma`. */
function anyVendor(): string {
  const names = PROVIDERS.map((provider) => VENDORS[provider].name);
  return [names.slice(0, -1).join(', '), names.at(-1)].join(' or ');
}
