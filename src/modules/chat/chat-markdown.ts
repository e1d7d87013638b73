import type { MessageDto } from '../messages/dto/message.dto.js';
import type { ChatDto } from './dto/chat.dto.js';

/** A stored part. Its fields can have any value, because clients and models wrote them. */
type Part = Record<string, unknown>;

const MAX_NAME_LENGTH = 2_000;

/** Longer texts are copied unchanged: looking at each of their lines would block other requests. */
const MAX_CHECKED_LENGTH = 1_000_000;

/** The header of a chat as Markdown. Messages follow it. */
export function chatHeading({ title, createdAt }: ChatDto): string {
  return `# ${oneLine(title)}\n\n_${createdAt}_\n`;
}

/** One message as Markdown: text and code unchanged, reasoning folded, files, tools and sources by name. */
export function messageToMarkdown({ role, parts, createdAt, modelUsed, status }: MessageDto): string {
  const about = [
    createdAt,
    ...(modelUsed ? [oneLine(modelUsed)] : []),
    ...(status === 'complete' ? [] : [status]),
  ];
  const blocks = parts.filter(isRecord).map(partToMarkdown).filter(Boolean);
  return `\n---\n\n${[`## ${oneLine(capitalize(role))}`, `_${about.join(' · ')}_`, ...blocks].join('\n\n')}\n`;
}

function partToMarkdown(part: Part): string {
  const type = text(part['type']);
  switch (type) {
    case 'text':
      return trimLines(closeFence(text(part['text'])));
    case 'reasoning':
      return fold('Reasoning', text(part['text']));
    case 'file':
    case 'reasoning-file':
      return `**File:** ${escape(oneLine(text(part['filename']) || 'unnamed'))} (${escape(oneLine(text(part['mediaType'])))})`;
    case 'source-url':
      return `**Source:** ${link(text(part['title']) || text(part['url']), text(part['url']))}`;
    case 'source-document':
      return `**Source:** ${escape(oneLine(text(part['title']) || text(part['filename'])))}`;
    case 'dynamic-tool':
      return tool(text(part['toolName']), part);
    default:
      return type.startsWith('tool-') ? tool(type.slice('tool-'.length), part) : '';
  }
}

function tool(name: string, part: Part): string {
  const state = text(part['state']);
  const outcome = state === 'output-available' ? '' : ` (${escape(oneLine(state.replaceAll('-', ' ')))})`;
  return `**Tool:** ${code(oneLine(name))}${outcome}`;
}

function fold(summary: string, content: string): string {
  if (content.trim() === '') return '';
  const inside = trimLines(closeFence(content)).replace(/<(\/?)(details|summary)/gi, '&lt;$1$2');
  return `<details>\n<summary>${summary}</summary>\n\n${inside}\n\n</details>`;
}

/** A code block without an end (a truncated answer) must not swallow what follows it. */
function closeFence(markdown: string): string {
  if (markdown.length > MAX_CHECKED_LENGTH) return markdown;
  let open: string | undefined;
  for (const { marks, rest } of fencesOf(markdown)) {
    if (marks.startsWith('`') && rest.includes('`')) continue;
    if (open === undefined) open = marks;
    else if (marks.startsWith(open) && rest.trim() === '') open = undefined;
  }
  return open === undefined ? markdown : `${markdown.replace(/\n$/, '')}\n${open}`;
}

/**
 * The lines that start like the fence of a code block. Other lines are not checked one by one, because there can be
 * millions.
 */
function* fencesOf(markdown: string): Generator<{ marks: string; rest: string }> {
  const mark = /`{3,}|~{3,}/g;
  for (let found = mark.exec(markdown); found; found = mark.exec(markdown)) {
    const start = markdown.lastIndexOf('\n', found.index) + 1;
    const newline = markdown.indexOf('\n', mark.lastIndex);
    const end = newline < 0 ? markdown.length : newline;
    const indent = found.index - start;
    if (indent <= 3 && markdown.slice(start, found.index).trim() === '') {
      yield { marks: found[0], rest: markdown.slice(mark.lastIndex, end) };
    }
    mark.lastIndex = end;
  }
}

/** Spaces before the first word stay, because they can mean code. */
function trimLines(value: string): string {
  return value.replace(/^(?:[ \t]*\r?\n)+/, '').trimEnd();
}

function link(label: string, url: string): string {
  const name = escape(oneLine(label));
  return /^https?:\/\//i.test(url) ? `[${name}](<${url.replace(/[<>\s]/g, encodeURIComponent)}>)` : name;
}

function code(value: string): string {
  return `\`${value.replaceAll('`', "'")}\``;
}

function escape(value: string): string {
  return value.replace(/[\\`*_[\]<>]/g, '\\$&');
}

/** For names and titles. Very long ones are cut. */
function oneLine(value: string): string {
  return value.slice(0, MAX_NAME_LENGTH).replace(/\s+/g, ' ').trim();
}

function capitalize(value: string): string {
  return value.charAt(0).toUpperCase() + value.slice(1);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isRecord(value: unknown): value is Part {
  return typeof value === 'object' && value !== null;
}
