import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';

/** A call that was made since the user's last message, and its result. */
export interface DemoToolResult {
  toolName: string;
  input: Record<string, unknown>;
  output: LanguageModelV4ToolResultPart['output'];
}

/** How the demo model understands a prompt. */
export interface DemoPrompt {
  instructions: string;
  /** The user's messages, oldest first. */
  questions: string[];
  /** The last of these messages. */
  question: string;
  tools: LanguageModelV4FunctionTool[];
  results: DemoToolResult[];
  /** The document that is open next to the chat, or else the last one that was written in it. */
  documentId?: string;
  /** The content of the open document. */
  openContent?: string;
}

export function readPrompt({ prompt, tools = [] }: LanguageModelV4CallOptions): DemoPrompt {
  const instructions = prompt.flatMap((message) => (message.role === 'system' ? [message.content] : []));
  const questions = prompt.flatMap((message) => (message.role === 'user' ? [textOf(message.content)] : []));
  const open = openDocument(instructions.join('\n\n'));
  const lastQuestion = prompt.findLastIndex(({ role }) => role === 'user');
  return {
    instructions: instructions.join('\n\n'),
    questions,
    question: questions.at(-1) ?? '',
    tools: tools.filter((tool) => tool.type === 'function'),
    results: resultsIn(prompt.slice(lastQuestion + 1)),
    documentId: open?.id ?? lastDocument(resultsIn(prompt)),
    openContent: open?.content,
  };
}

/** The beginning of a text, with a mark if it was cut. */
export function excerpt(text: string, length: number): string {
  const characters = Array.from(text);
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`;
}

/** A text as one line. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function textOf(content: ReadonlyArray<{ type: string; text?: string }>): string {
  return content.map((part) => (part.type === 'text' ? (part.text ?? '') : `[${part.type}]`)).join(' ');
}

function resultsIn(prompt: LanguageModelV4Prompt): DemoToolResult[] {
  const inputs = new Map<string, unknown>();
  const results: DemoToolResult[] = [];
  for (const { role, content } of prompt) {
    if (role !== 'assistant' && role !== 'tool') continue;
    for (const part of content) {
      if (part.type === 'tool-call') inputs.set(part.toolCallId, part.input);
      if (part.type !== 'tool-result') continue;
      const { toolName, output } = part;
      results.push({ toolName, output, input: fieldsOf(inputs.get(part.toolCallId)) });
    }
  }
  return results;
}

/** The members of an object. Empty for anything else. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** The members of a JSON object. Empty if the text is anything else. */
export function fieldsIn(json: string): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(json));
  } catch {
    return {};
  }
}

function openDocument(instructions: string): { id: string; content: string } | undefined {
  const [, id, content] = /<document id="([^"]+)"[^\n]*>\n([^]*)\n<\/document>/.exec(instructions) ?? [];
  return id === undefined || content === undefined ? undefined : { id, content };
}

function lastDocument(results: DemoToolResult[]): string | undefined {
  const ids = results.flatMap(({ toolName, output }) => {
    const { id } = output.type === 'json' ? fieldsOf(output.value) : {};
    return /^(?:create|update)Document$/.test(toolName) && typeof id === 'string' ? [id] : [];
  });
  return ids.at(-1);
}
