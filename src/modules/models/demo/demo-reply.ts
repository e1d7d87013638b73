import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { KEY_HEADERS } from '../vendors/vendors.js';
import { changeDocument, writeDocument } from './demo-document.js';
import { type DemoPrompt, excerpt, oneLine, readPrompt } from './demo-prompt.js';
import { agentsToChooseFrom, chooseAgent } from './demo-routing.js';
import { suggestImprovements } from './demo-suggestions.js';
import { callFor, type DemoToolCall, sayWhatWasDone } from './demo-tools.js';

export type DemoReply = { text: string } | DemoToolCall;

/** The demo model's answer to a prompt, or the tool call that it makes. */
export function replyTo(options: LanguageModelV4CallOptions): DemoReply {
  const prompt = readPrompt(options);
  const { instructions, question, results } = prompt;
  const { responseFormat: format } = options;
  if (format?.type === 'json') {
    const agents = agentsToChooseFrom(format.schema);
    return { text: agents ? chooseAgent(question, agents) : suggestImprovements(question) };
  }
  if (instructions.startsWith('Write a short title')) return { text: titleFor(question) };
  if (instructions.startsWith('You write the content of a document'))
    return { text: writeDocument(instructions, question) };
  if (instructions.startsWith('You change a document'))
    return { text: changeDocument(instructions, question) };
  if (results.length > 0) return { text: sayWhatWasDone(results) };
  return callFor(prompt) ?? { text: converse(prompt) };
}

function converse({ questions, question, tools }: DemoPrompt): string {
  const words = question.split(/\s+/).filter(Boolean).length;
  const earlier = questions.length - 1;
  return [
    'This is the demo model, not a language model: it cannot think, it only shows that everything works.',
    `You wrote ${words} ${words === 1 ? 'word' : 'words'}: “${excerpt(question, 400)}”`,
    earlier > 0
      ? `Before that you had sent ${earlier} ${earlier === 1 ? 'message' : 'messages'}, the first: “${excerpt(questions[0] ?? '', 120)}”`
      : '',
    tools.some(({ name }) => name === 'createDocument')
      ? 'Ask me to write an essay, code or a table about something, then to change it, or to suggest improvements.'
      : '',
    `To talk to a real model, set a key on the server, or use your own: under Settings in the web client, in a header such as ${KEY_HEADERS[0]} in the API.`,
  ]
    .filter((line) => line !== '')
    .join('\n\n');
}

function titleFor(question: string): string {
  return excerpt(oneLine(question), 60) || 'New chat';
}
