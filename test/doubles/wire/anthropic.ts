import { type Body, type Dialect, type Frame, type RequestFacts, textOf } from './dialect.js';
import { anthropicStatus, anthropicStreamError } from './anthropic-errors.js';
import { anthropicRefusal } from './anthropic-rules.js';
import { type Block, inputDeltas, serverToolBlocks } from './anthropic-server-tools.js';
import type { Reply, TokenFigures } from './reply.js';
import { THINKING_SIGNATURE } from './signatures.js';

const STOP_REASONS = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
};

/** The container that runs code. The next call can name it to continue in it. */
export const CONTAINER = 'container_double';

/** The format requires figures, so hidden ones are zeros. */
const NOTHING: TokenFigures = { input: 0, cachedRead: 0, cacheWrite: 0, output: 0, reasoning: 0 };

/** Anthropic Messages: `POST /messages`. */
export const anthropic: Dialect = {
  provider: 'anthropic',
  headers: () => ({ 'request-id': `req_double${Date.now().toString(36)}` }),
  facts,
  refusal: anthropicRefusal,
  frames,
  whole(reply, body) {
    return {
      body: {
        ...message(reply),
        content: blocks(reply, body).map(({ block, whole }) => ({ ...block, ...whole?.() })),
        stop_reason: reply.ending ?? STOP_REASONS[reply.finishReason],
        usage: usage(reply.figures ?? NOTHING, reply.figures?.output ?? 0),
      },
      figures: reply.figures,
    };
  },
  brokenFrame:
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_del\n\n',
  errorFrame: (reason) => event({ ...anthropicStreamError(reason) }),
  statusAnswer: (status, { model }, retryAfter) => anthropicStatus(status, model, retryAfter),
};

function facts(body: Body): RequestFacts {
  const messages = (body['messages'] ?? []) as Body[];
  // Consecutive user messages are one message with several blocks in this format.
  const users = messages
    .filter(({ role }) => role === 'user')
    .flatMap(({ content }): string[] =>
      Array.isArray(content) ? content.map((block) => textOf([block])) : [textOf(content)],
    );
  const last: unknown = messages.at(-1)?.['content'];
  const thinking: unknown = body['thinking']?.type;
  return {
    model: String(body['model'] ?? ''),
    stream: body['stream'] === true,
    instructions: textOf(body['system']),
    userText: users.filter(Boolean).at(-1) ?? '',
    afterTools: Array.isArray(last) && last.some((block: Body) => block['type'] === 'tool_result'),
    wantsReasoning: thinking === 'enabled' || thinking === 'adaptive',
    maxOutputTokens: body['max_tokens'],
  };
}

function* frames(reply: Reply, body: Body): Generator<Frame> {
  const { figures } = reply;
  const opening = figures && { ...figures, output: 1, reasoning: 0 };
  yield frame(
    { type: 'message_start', message: { ...message(reply), usage: usage(opening ?? NOTHING, 1) } },
    'structure',
    opening,
  );
  for (const [index, { block, deltas }] of blocks(reply, body).entries()) {
    yield frame({ type: 'content_block_start', index, content_block: block }, 'structure');
    if (index === 0) yield frame({ type: 'ping' }, 'structure');
    for (const { delta, content } of deltas) {
      yield frame({ type: 'content_block_delta', index, delta }, content ? 'content' : 'structure');
    }
    yield frame({ type: 'content_block_stop', index }, 'structure');
  }
  yield frame(
    {
      type: 'message_delta',
      delta: {
        stop_reason: reply.ending ?? STOP_REASONS[reply.finishReason],
        stop_sequence: null,
        ...(reply.codeRun ? { container: { id: CONTAINER, expires_at: '2030-01-01T00:00:00Z' } } : {}),
        ...(reply.finishReason === 'content-filter' && reply.ending === undefined
          ? { stop_details: { type: 'refusal', category: 'cyber', explanation: null } }
          : {}),
      },
      usage: usage(figures ?? NOTHING, figures?.output ?? 0, searchesOf(reply, body)),
    },
    'closing',
    figures,
  );
  yield frame({ type: 'message_stop' }, 'closing');
}

function blocks(reply: Reply, body: Body): Block[] {
  const result: Block[] = [];
  if (reply.reasoning.length > 0) {
    result.push({
      block: { type: 'thinking', thinking: '', signature: '' },
      deltas: thinkingDeltas(reply.reasoning),
      whole: () => ({ thinking: reply.reasoning.join(''), signature: THINKING_SIGNATURE }),
    });
  }
  result.push(...serverToolBlocks(reply, body));
  if (reply.textChunks > 0) {
    result.push({
      block: { type: 'text', text: '' },
      deltas: textDeltas(reply),
      whole: () => ({
        text: [...reply.text].join(''),
        ...(reply.sources.length ? { citations: citations(reply) } : {}),
      }),
    });
  }
  for (const { id, name, input } of reply.toolCalls) {
    result.push({
      block: { type: 'tool_use', id, name, input: {} },
      deltas: inputDeltas(input, true),
      whole: () => ({ input }),
    });
  }
  return result;
}

function* thinkingDeltas(reasoning: readonly string[]): Block['deltas'] {
  for (const thinking of reasoning) yield { delta: { type: 'thinking_delta', thinking }, content: true };
  yield { delta: { type: 'signature_delta', signature: THINKING_SIGNATURE }, content: false };
}

function* textDeltas(reply: Reply): Block['deltas'] {
  for (const text of reply.text) yield { delta: { type: 'text_delta', text }, content: true };
  for (const citation of citations(reply))
    yield { delta: { type: 'citations_delta', citation }, content: false };
}

function citations({ sources }: Reply): unknown[] {
  return sources.map(({ url, title }) => ({
    type: 'web_search_result_location',
    cited_text: title,
    url,
    title,
    encrypted_index: 'ZG91YmxlIGluZGV4',
  }));
}

function message({ id, model }: Reply): Body {
  return {
    id: `msg_${id}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  };
}

/** Anthropic does not include cache reads and writes in `input_tokens`. */
function usage(
  { input, cachedRead, cacheWrite, cacheWriteHour = 0, reasoning }: TokenFigures,
  output: number,
  searches = 0,
): unknown {
  return {
    input_tokens: input - cachedRead - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cachedRead,
    cache_creation: {
      ephemeral_5m_input_tokens: cacheWrite - cacheWriteHour,
      ephemeral_1h_input_tokens: cacheWriteHour,
    },
    ...(searches ? { server_tool_use: { web_search_requests: searches } } : {}),
    output_tokens: output,
    ...(reasoning ? { output_tokens_details: { thinking_tokens: reasoning } } : {}),
    service_tier: 'standard',
  };
}

/** One search finds all sources, if the client allows it. */
function searchesOf({ sources }: Reply, body: Body): number {
  const allowed = (body['tools'] as Body[] | undefined)?.some(({ type }) =>
    String(type).startsWith('web_search_'),
  );
  return allowed && sources.length > 0 ? 1 : 0;
}

function frame(value: Body, kind: Frame['kind'], figures?: TokenFigures): Frame {
  return { data: event(value), kind, figures };
}

function event(value: Body): string {
  return `event: ${String(value['type'])}\ndata: ${JSON.stringify(value)}\n\n`;
}
