import { getToolName, isToolUIPart, type ToolUIPart, type DynamicToolUIPart, type UIMessage } from 'ai';
import { PROVIDERS, VENDORS } from '../models/vendors/vendors.js';

type Part = UIMessage['parts'][number];
type ProviderToolPart = ToolUIPart | DynamicToolUIPart;

/** The number of characters of code, and of its output, that later questions can refer to. */
const MAX_CODE = 4_000;

/**
 * Converts an answer in which the provider searched, read or calculated to text that every provider accepts. The calls
 * have their vendor's own format and depend on its reasoning and citations, but the next question may go to another
 * vendor. The text already contains the results of searches. It does not contain the code that was run, so the code is
 * added.
 */
export function inPlainWords(message: UIMessage): UIMessage {
  if (!message.parts.some(isProviderCall)) return message;
  const parts = message.parts.flatMap((part): Part[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    if (isProviderCall(part)) return toText(part);
    // Reasoning only counts together with the calls that it led to.
    return part.type === 'reasoning' ? [] : [part];
  });
  return { ...message, parts };
}

function isProviderCall(part: Part): part is ProviderToolPart {
  return isToolUIPart(part) && part.providerExecuted === true;
}

function toText(part: ProviderToolPart): Part[] {
  const code = codeOf(part.input);
  if (code === undefined) return [];
  const output = part.state === 'output-available' ? outputOf(part.output) : '';
  const text = `[${getToolName(part)}]\n${fenced(code)}${output === '' ? '' : `\n[output]\n${fenced(output)}`}`;
  return [{ type: 'text', text }];
}

/** Where the vendors store code. Several vendors may use the same field. */
const CODE = PROVIDERS.map((provider) => VENDORS[provider].code);
const INPUT_FIELDS = [...new Set(CODE.flatMap(({ input }) => input))];
const OUTPUT_FIELDS = [...new Set(CODE.flatMap(({ output }) => output))];
const OUTPUT_LISTS = CODE.flatMap(({ outputList }) => (outputList ? [outputList] : []));

function codeOf(input: unknown): string | undefined {
  return firstText(input, INPUT_FIELDS);
}

function outputOf(output: unknown): string {
  const direct = firstText(output, OUTPUT_FIELDS);
  if (direct !== undefined) return direct;
  for (const [list, field] of OUTPUT_LISTS) {
    const items = ((output ?? {}) as Record<string, unknown>)[list];
    if (Array.isArray(items)) return items.map((item) => firstText(item, [field]) ?? '').join('\n');
  }
  return '';
}

function firstText(value: unknown, names: string[]): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Record<string, unknown>;
  const name = names.find((candidate) => typeof fields[candidate] === 'string' && fields[candidate] !== '');
  return name === undefined ? undefined : (fields[name] as string).slice(0, MAX_CODE).toWellFormed();
}

function fenced(text: string): string {
  return `\`\`\`\n${text.trimEnd()}\n\`\`\``;
}
