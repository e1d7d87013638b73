import { type Body, type Dialect, type Frame, type RequestFacts, textOf } from './dialect.js';
import { openaiHeaders, openaiStatus, openaiStreamError } from './openai-errors.js';
import { responsesItems, type ResponsesItem } from './openai-responses-items.js';
import { responsesRefusal } from './openai-responses-rules.js';
import type { Reply, TokenFigures } from './reply.js';

const INCOMPLETE = { length: 'max_output_tokens', 'content-filter': 'content_filter' };

/** OpenAI Responses: `POST /responses`. */
export const openaiResponses: Dialect = {
  provider: 'openai',
  headers: openaiHeaders,
  facts,
  refusal: responsesRefusal,
  frames,
  whole(reply, body) {
    const items = responsesItems(reply, body);
    return { body: finished(reply, body, items), figures: reply.figures };
  },
  brokenFrame:
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","item_id":"msg_bro\n\n',
  errorFrame(reason, sent, reply, withUsage) {
    const { message, code, param } = openaiStreamError(reason, 'input');
    const failed = {
      ...response(reply, {}),
      status: 'failed',
      error: { code, message },
      ...(withUsage && reply.figures ? { usage: usage(reply.figures) } : {}),
    };
    return (
      event({ type: 'error', code, message, param }, sent) +
      event({ type: 'response.failed', response: failed }, sent + 1)
    );
  },
  statusAnswer: (status, known, retryAfter) => openaiStatus(status, known, 'input', retryAfter),
};

function facts(body: Body): RequestFacts {
  const items = inputOf(body);
  const said = (...roles: string[]) =>
    items.filter(({ role }) => roles.includes(String(role))).map(({ content }) => textOf(content));
  return {
    model: String(body['model'] ?? ''),
    stream: body['stream'] === true,
    instructions: [String(body['instructions'] ?? ''), ...said('system', 'developer')].join('\n'),
    userText: said('user').filter(Boolean).at(-1) ?? '',
    afterTools: items.at(-1)?.['type'] === 'function_call_output',
    wantsReasoning: Boolean(body['reasoning']?.summary),
    maxOutputTokens: body['max_output_tokens'],
  };
}

/** The prompt as items, in either form. */
export function inputOf(body: Body): Body[] {
  const input: unknown = body['input'];
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  return Array.isArray(input) ? (input as Body[]) : [];
}

function* frames(reply: Reply, body: Body): Generator<Frame> {
  let number = 0;
  const frame = (value: Body, kind: Frame['kind'], figures?: TokenFigures): Frame => ({
    data: event(value, number++),
    kind,
    figures,
  });
  yield frame({ type: 'response.created', response: response(reply, body) }, 'structure');
  yield frame({ type: 'response.in_progress', response: response(reply, body) }, 'structure');
  if (reply.ending === 'failed-at-once') {
    const { message, code } = openaiStreamError('internal', 'input');
    const failed = { ...response(reply, body), status: 'failed', error: { code, message } };
    const told = reply.figures ? usage(reply.figures) : null;
    yield frame({ type: 'response.failed', response: { ...failed, usage: told } }, 'closing', reply.figures);
    return;
  }
  const items = responsesItems(reply, body);
  for (const [output_index, item] of items.entries()) {
    yield frame({ type: 'response.output_item.added', output_index, item: item.opening }, 'structure');
    for (const { value, content } of item.events(output_index)) {
      yield frame(value, content ? 'content' : 'structure');
    }
    yield frame({ type: 'response.output_item.done', output_index, item: item.done() }, 'structure');
  }
  const last = finished(reply, body, items);
  if (reply.ending === 'error') {
    const { message, code, param } = openaiStreamError('internal', 'input');
    yield frame({ type: 'error', code, message, param }, 'closing');
    return;
  }
  yield frame({ type: `response.${String(last['status'])}`, response: last }, 'closing', reply.figures);
}

/** A response that has just started. */
function response({ id, model }: Reply, body: Body): Body {
  return {
    id: `resp_${id}`,
    object: 'response',
    created_at: Math.floor(Date.now() / 1000),
    status: 'in_progress',
    error: null,
    incomplete_details: null,
    instructions: null,
    max_output_tokens: body['max_output_tokens'] ?? null,
    model,
    output: [],
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: body['reasoning']?.summary ?? null },
    service_tier: 'default',
    store: body['store'] ?? true,
    usage: null,
    metadata: {},
  };
}

function finished(reply: Reply, body: Body, items: ResponsesItem[]): Body {
  if (reply.ending === 'failed') {
    return { ...response(reply, body), status: 'failed', usage: reply.figures ? usage(reply.figures) : null };
  }
  const reason =
    reply.ending ??
    (reply.finishReason === 'length' || reply.finishReason === 'content-filter'
      ? INCOMPLETE[reply.finishReason]
      : undefined);
  return {
    ...response(reply, body),
    status: reason ? 'incomplete' : 'completed',
    incomplete_details: reason ? { reason } : null,
    output: items.map((item) => item.done()),
    usage: reply.figures ? usage(reply.figures) : null,
  };
}

function usage({ input, cachedRead, cacheWrite, output, reasoning }: TokenFigures): unknown {
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: cachedRead,
      ...(cacheWrite ? { cache_write_tokens: cacheWrite } : {}),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  };
}

function event(value: Body, sequence_number: number): string {
  const { type, ...rest } = value;
  return `event: ${String(type)}\ndata: ${JSON.stringify({ type: String(type), sequence_number, ...rest })}\n\n`;
}
