import type { IncomingHttpHeaders } from 'node:http';
import { breakpointProblem } from './anthropic-cache.js';
import { anthropicContentProblem, anthropicSizeProblem } from './anthropic-content-rules.js';
import { anthropicError } from './anthropic-errors.js';
import type { Body, ErrorAnswer, RequestFacts } from './dialect.js';
import { anthropicSettingsProblem, anthropicToolProblem } from './settings-rules.js';

/** What Anthropic refuses: invalid keys, missing fields, calls without results, removed reasoning. */
export function anthropicRefusal(
  headers: IncomingHttpHeaders,
  body: Body,
  facts: RequestFacts,
): ErrorAnswer | undefined {
  const key = headers['x-api-key'];
  if (!key) return anthropicError(401, 'authentication_error', 'x-api-key header is required');
  if (key === 'bad-key') return anthropicError(401, 'authentication_error', 'invalid x-api-key');
  const size = anthropicSizeProblem(body);
  if (size !== undefined) return anthropicError(413, 'request_too_large', size);
  const problem =
    (headers['anthropic-version'] ? undefined : 'anthropic-version: header is required') ??
    fieldProblem(body) ??
    anthropicSettingsProblem(body) ??
    anthropicToolProblem(body, String(headers['anthropic-beta'] ?? '')) ??
    messagesProblem(body['messages'] as Body[]) ??
    anthropicContentProblem(body) ??
    breakpointProblem(body) ??
    (facts.wantsReasoning ? thoughtProblem(body['messages'] as Body[], facts.callsAfterThoughts) : undefined);
  return problem === undefined ? undefined : anthropicError(400, 'invalid_request_error', problem);
}

function fieldProblem(body: Body): string | undefined {
  if (typeof body['model'] !== 'string') return 'model: Field required';
  if (typeof body['max_tokens'] !== 'number') return 'max_tokens: Field required';
  if (!Array.isArray(body['messages'])) return 'messages: Field required';
  if (body['messages'].length === 0) return 'messages: at least one message is required';
  const budget: unknown = body['thinking']?.budget_tokens;
  if (typeof budget === 'number' && budget < 1024)
    return 'thinking.enabled.budget_tokens: Input should be greater than or equal to 1024';
  if (typeof budget === 'number' && budget >= body['max_tokens'])
    return '`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size';
  return undefined;
}

function messagesProblem(messages: Body[]): string | undefined {
  for (const [index, message] of messages.entries()) {
    const content = blocksOf(message);
    if (content.length === 0 && !(index === messages.length - 1 && message['role'] === 'assistant')) {
      return `messages.${index}: all messages must have non-empty content except for the optional final assistant message`;
    }
    const calls = idsOf(content, 'tool_use', 'id');
    const next = messages[index + 1];
    const results = next?.['role'] === 'user' ? idsOf(blocksOf(next), 'tool_result', 'tool_use_id') : [];
    const open = calls.filter((id) => !results.includes(id));
    if (open.length > 0 && next) {
      return `messages.${index}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
    }
    const before = messages[index - 1];
    const asked = before ? idsOf(blocksOf(before), 'tool_use', 'id') : [];
    const stray = idsOf(content, 'tool_result', 'tool_use_id').find((id) => !asked.includes(id));
    if (stray !== undefined) {
      return `messages.${index}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    }
  }
  return undefined;
}

/** While a client answers tool calls, the reasoning that led to them must stay in place. */
function thoughtProblem(messages: Body[], callsAfterThoughts?: ReadonlySet<string>): string | undefined {
  const index = messages.length - 2;
  const [last, turn] = [messages.at(-1), messages[index]];
  if (!last || !turn || idsOf(blocksOf(last), 'tool_result', 'tool_use_id').length === 0) return undefined;
  const [first] = blocksOf(turn);
  if (first?.['type'] === 'thinking' && !first['signature'])
    return `messages.${index}.content.0.thinking.signature: Field required`;
  if (first?.['type'] === 'thinking' || first?.['type'] === 'redacted_thinking') return undefined;
  if (!idsOf(blocksOf(turn), 'tool_use', 'id').some((id) => callsAfterThoughts?.has(id))) return undefined;
  return `messages.${index}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first?.['type']}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block (preceeding the lastmost set of \`tool_use\` and \`tool_result\` blocks).`;
}

function blocksOf({ content }: Body): Body[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return Array.isArray(content) ? (content as Body[]) : [];
}

function idsOf(blocks: Body[], type: string, key: string): string[] {
  return blocks.filter((block) => block['type'] === type).map((block) => String(block[key]));
}
