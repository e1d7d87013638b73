import { getToolName, isToolUIPart, type ToolUIPart, type DynamicToolUIPart, type UIMessage } from 'ai';

type Part = UIMessage['parts'][number];
type ProviderToolPart = ToolUIPart | DynamicToolUIPart;

/** Characters of code, and of what it gave, that later questions can refer to. */
const MAX_CODE = 4_000;

/**
 * An answer in which the provider searched, read or calculated, in words that every provider takes. The calls are in
 * their vendor's own format, tied to its thoughts and citations, and the next question may go to another vendor. What the
 * searches found is in the text; the code that was run is not, so it is told.
 */
export function inPlainWords(message: UIMessage): UIMessage {
  if (!message.parts.some(isProviderCall)) return message;
  const parts = message.parts.flatMap((part): Part[] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    if (isProviderCall(part)) return toText(part);
    // Thoughts count only together with the calls that they led to.
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

/** Where each vendor puts the code: Google and OpenAI in `code`, Anthropic in that, a command or a file. */
function codeOf(input: unknown): string | undefined {
  return firstText(input, ['code', 'command', 'file_text']);
}

function outputOf(output: unknown): string {
  const direct = firstText(output, ['output', 'stdout', 'stderr']);
  if (direct !== undefined) return direct;
  const { outputs } = (output ?? {}) as { outputs?: unknown };
  if (!Array.isArray(outputs)) return '';
  return outputs.map((item) => firstText(item, ['logs']) ?? '').join('\n');
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
