import type { LanguageModelV4FunctionTool } from '@ai-sdk/provider';
import { replacementIn } from './demo-document.js';
import { type DemoPrompt, type DemoToolResult, excerpt, fieldsOf, oneLine } from './demo-prompt.js';
import { readWish } from './demo-wish.js';

/** A call of one of the tools that the model got. */
export interface DemoToolCall {
  toolName: string;
  input: Record<string, unknown>;
}

const MAX_DESCRIPTION = 2_000;
const MAX_EXCERPT = 240;

/** The call that fulfills the message, if a tool can. */
export function callFor(prompt: DemoPrompt): DemoToolCall | undefined {
  return documentCall(prompt) ?? repositoryCall(prompt);
}

/** One sentence about each call that was made. */
export function sayWhatWasDone(results: DemoToolResult[]): string {
  const sentences = results.map(describeResult);
  return `${sentences.join('\n\n')}\n\n(From the demo model, which is not a language model.)`;
}

function documentCall({ tools, question, documentId, openContent }: DemoPrompt): DemoToolCall | undefined {
  const wish = readWish(question, documentId !== undefined);
  const has = (toolName: string) => tools.some(({ name }) => name === toolName);
  const description = excerpt(question, MAX_DESCRIPTION);
  if (wish?.type === 'create' && has('createDocument')) {
    const { kind, title } = wish;
    return { toolName: 'createDocument', input: { title, kind, description } };
  }
  if (documentId === undefined) return undefined;
  if (wish?.type === 'suggest' && has('requestSuggestions'))
    return { toolName: 'requestSuggestions', input: { id: documentId } };
  const update = tools.find(({ name }) => name === 'updateDocument');
  if (wish?.type !== 'change' || !update) return undefined;
  const edits = 'edits' in (update.inputSchema.properties ?? {}) ? editsFor(question, openContent) : {};
  return { toolName: update.name, input: { id: documentId, description, ...edits } };
}

/** Replacing one text by another is an edit, if both are clear. */
function editsFor(question: string, content: string | undefined): object {
  const { from, to } = replacementIn(oneLine(question)) ?? {};
  if (from === undefined || content?.split(from).length !== 2) return {};
  return { edits: [{ oldText: from, newText: to }] };
}

/** Only reads: a demo should not change other people's work. */
function repositoryCall({ tools, question }: DemoPrompt): DemoToolCall | undefined {
  const issue = /\bissue\b\D{0,10}(\d+)/i.exec(question)?.[1];
  const attempts: Array<[isAsked: boolean, toolNames: string[], input: Record<string, unknown>]> = [
    [issue !== undefined, ['issue_read', 'get_issue'], { method: 'get', issue_number: Number(issue) }],
    [/\bissues?\b/i.test(question), ['list_issues', 'search_issues'], { query: 'is:issue is:open' }],
    [
      /\b(?:pull requests?|prs?)\b/i.test(question),
      ['list_pull_requests', 'search_pull_requests'],
      { query: 'is:pr is:open' },
    ],
    [/\bcommits?\b/i.test(question), ['list_commits'], {}],
    [/\bbranch(?:es)?\b/i.test(question), ['list_branches'], {}],
    [true, ['get_file_contents'], { path: pathIn(question) ?? 'README.md' }],
  ];
  for (const [isAsked, toolNames, input] of attempts) {
    const tool = isAsked && tools.find(({ name }) => toolNames.includes(name));
    if (tool) return { toolName: tool.name, input: argumentsFor(tool, input) };
  }
  return undefined;
}

/** A path contains a slash, or a dot before its last letters. */
function pathIn(question: string): string | undefined {
  const words = question.split(/\s+/).map((word) => word.replace(/^["'`“(]+|["'`”),.?!:;]+$/g, ''));
  return words.find((word) => /^[\w.-][\w./-]*$/.test(word) && /\/\w|\.[a-z]\w*$/i.test(word));
}

/** The arguments that the tool accepts, and those that have only one possible value. */
function argumentsFor(
  { inputSchema }: LanguageModelV4FunctionTool,
  known: Record<string, unknown>,
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(inputSchema.properties ?? {})) {
    const { enum: choices } = fieldsOf(schema);
    if (Array.isArray(choices) && choices.length === 1) input[name] = choices[0] as unknown;
    else if (known[name] !== undefined) input[name] = known[name];
  }
  return input;
}

function describeResult({ toolName, input, output }: DemoToolResult): string {
  if (output.type === 'execution-denied') return `You did not allow ${toolName}, so nothing was done.`;
  if (output.type === 'error-text' || output.type === 'error-json')
    return `That did not work: ${excerpt(oneLine(toText(output.value)), MAX_EXCERPT)}`;
  const fields = output.type === 'json' ? fieldsOf(output.value) : {};
  switch (toolName) {
    case 'createDocument':
      return `I wrote “${String(fields['title'])}”: it is shown next to the chat.`;
    case 'updateDocument':
      return `I changed “${String(fields['title'])}” and stored it as a new version.`;
    case 'requestSuggestions':
      return `I made ${String(fields['count'])} suggestions. Apply the ones that you like.`;
    default:
      return describeText(toolName, input, toText(output.value));
  }
}

function describeText(toolName: string, input: Record<string, unknown>, text: string): string {
  const of = ['path', 'issue_number', 'query'].flatMap((name) =>
    name in input ? [String(input[name])] : [],
  );
  const words = text.split(/\s+/).filter(Boolean).length;
  return `I called ${toolName}${of.length > 0 ? ` (${of.join(', ')})` : ''} and read ${words} words: “${excerpt(oneLine(text), MAX_EXCERPT)}”`;
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
