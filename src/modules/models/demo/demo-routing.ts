import { fieldsIn, fieldsOf } from './demo-prompt.js';
import { readWish } from './demo-wish.js';

const ABOUT_THE_REPOSITORY =
  /\b(?:repositor(?:y|ies)|repo|github|readme|files?|folders?|issues?|pull requests?|prs?|commits?|branch(?:es)?|source code)\b/i;

/** Recent messages contain the tools that were used. */
const WROTE_A_DOCUMENT = /\[(?:create|update)Document\]/;

/** The agents that an answer may name if it is about routing. */
export function agentsToChooseFrom(schema: unknown): string[] | undefined {
  const { enum: names } = fieldsOf(fieldsOf(fieldsOf(schema)['properties'])['agent']);
  return Array.isArray(names) ? names.map(String) : undefined;
}

/**
 * Chooses the agent for a message by the words in it.
 *
 * @param situation JSON with the message, those before it, and whether a document is open
 * @returns JSON
 */
export function chooseAgent(situation: string, agents: string[]): string {
  const { message, documentIsOpen, recentMessages } = fieldsIn(situation);
  const hasDocument = documentIsOpen === true || WROTE_A_DOCUMENT.test(JSON.stringify(recentMessages ?? []));
  return JSON.stringify(choose(typeof message === 'string' ? message : '', hasDocument, agents));
}

function choose(message: string, hasDocument: boolean, agents: string[]): { agent: string; reason: string } {
  const wish = agents.includes('artifact') ? readWish(message, hasDocument) : undefined;
  if (wish?.type === 'create') return { agent: 'artifact', reason: 'The message asks for a document.' };
  if (agents.includes('git_mcp') && ABOUT_THE_REPOSITORY.test(message))
    return { agent: 'git_mcp', reason: 'The message is about the repository.' };
  if (wish) return { agent: 'artifact', reason: 'The message is about a document.' };
  return { agent: agents.includes('chat') ? 'chat' : (agents[0] ?? 'chat'), reason: 'It is a conversation.' };
}
