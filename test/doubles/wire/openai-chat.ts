import type { IncomingHttpHeaders } from 'node:http';
import {
  type Body,
  type Dialect,
  type ErrorAnswer,
  type Frame,
  type RequestFacts,
  textOf,
} from './dialect.js';
import { chatContentProblem, openaiBodyProblem } from './openai-content-rules.js';
import {
  openaiError,
  openaiHeaders,
  openaiKeyProblem,
  openaiStatus,
  openaiStreamError,
} from './openai-errors.js';
import type { Reply, TokenFigures } from './reply.js';
import { openaiSettingsProblem } from './settings-rules.js';

const FINISH_REASONS = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  'content-filter': 'content_filter',
};

/** Characters of a tool's arguments in one event. */
const ARGUMENTS_PIECE = 16;

/** OpenAI Chat Completions: `POST /chat/completions`. It never shows reasoning, only its tokens. */
export const openaiChat: Dialect = {
  provider: 'openai',
  headers: openaiHeaders,
  facts,
  refusal,
  frames,
  whole(reply) {
    const text = [...reply.text].join('');
    const message = {
      role: 'assistant',
      content: text || null,
      refusal: reply.refusal.join('') || null,
      ...(reply.thoughtsIn ? { [reply.thoughtsIn]: reply.reasoning.join('') } : {}),
      annotations: annotations(reply),
      ...(reply.toolCalls.length
        ? { tool_calls: reply.toolCalls.map(({ id, name, input }) => call(id, name, JSON.stringify(input))) }
        : {}),
    };
    return {
      body: {
        ...head(reply, 'chat.completion'),
        choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(reply) }],
        ...(reply.figures && { usage: usage(reply.figures) }),
      },
      figures: reply.figures,
    };
  },
  brokenFrame:
    'data: {"id":"chatcmpl-broken","object":"chat.completion.chunk","choices":[{"index":0,"del\n\n',
  errorFrame: (reason) => event({ error: openaiStreamError(reason, 'messages') }),
  statusAnswer: (status, known, retryAfter) => openaiStatus(status, known, 'messages', retryAfter),
};

function facts(body: Body): RequestFacts {
  const messages = (body['messages'] ?? []) as Body[];
  const said = (...roles: string[]) =>
    messages.filter(({ role }) => roles.includes(String(role))).map(({ content }) => textOf(content));
  return {
    model: String(body['model'] ?? ''),
    stream: body['stream'] === true,
    instructions: said('system', 'developer').join('\n'),
    userText: said('user').filter(Boolean).at(-1) ?? '',
    afterTools: messages.at(-1)?.['role'] === 'tool',
    wantsReasoning: false,
    maxOutputTokens: body['max_completion_tokens'] ?? body['max_tokens'],
  };
}

function refusal(headers: IncomingHttpHeaders, body: Body): ErrorAnswer | undefined {
  const keyProblem = openaiKeyProblem(headers);
  if (keyProblem) return keyProblem;
  if (typeof body['model'] !== 'string') return openaiError(400, 'you must provide a model parameter');
  const unread = openaiBodyProblem(body);
  if (unread) return unread;
  const setting = openaiSettingsProblem(body, body['reasoning_effort'] as string | undefined);
  if (setting !== undefined) return openaiError(400, setting, { code: 'unsupported_parameter' });
  const messages = (body['messages'] ?? []) as Body[];
  if (messages.length === 0) {
    return openaiError(
      400,
      "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
      { param: 'messages', code: 'empty_array' },
    );
  }
  let open: string[] = [];
  for (const [index, { role, tool_calls, tool_call_id }] of messages.entries()) {
    if (role === 'tool') {
      if (!open.includes(String(tool_call_id))) {
        return openaiError(
          400,
          "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
          { param: `messages.[${index}].role` },
        );
      }
      open = open.filter((id) => id !== tool_call_id);
      continue;
    }
    if (open.length > 0) return unanswered(open, index);
    open = ((tool_calls ?? []) as Body[]).map(({ id }) => String(id));
  }
  return open.length > 0 ? unanswered(open, messages.length - 1) : chatContentProblem(messages);
}

function unanswered(ids: string[], index: number): ErrorAnswer {
  return openaiError(
    400,
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids.join(', ')}`,
    { param: `messages.[${index}].role` },
  );
}

function* frames(reply: Reply, body: Body): Generator<Frame> {
  const includeUsage = body['stream_options']?.include_usage === true;
  const start = head(reply, 'chat.completion.chunk');
  const noUsageYet = includeUsage ? { usage: null } : {};
  const chunk = (delta: unknown, kind: Frame['kind'], finish: string | null = null): Frame => ({
    data: event({
      ...start,
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...noUsageYet,
    }),
    kind,
  });
  const content = reply.toolCalls.length && reply.textChunks === 0 ? null : '';
  yield chunk({ role: 'assistant', content, refusal: null }, 'structure');
  if (reply.thoughtsIn)
    for (const thought of reply.reasoning) yield chunk({ [reply.thoughtsIn]: thought }, 'content');
  let said = 0;
  for (const text of reply.text) {
    const isLast = reply.endsInside && ++said === reply.textChunks;
    yield chunk({ content: text }, 'content', isLast ? finishOf(reply) : null);
  }
  for (const words of reply.refusal) yield chunk({ refusal: words }, 'content');
  if (reply.sources.length > 0) yield chunk({ annotations: annotations(reply) }, 'structure');
  for (const [index, { id, name, input }] of reply.toolCalls.entries()) {
    yield chunk({ tool_calls: [{ index, ...call(id, name, '') }] }, 'structure');
    const json = JSON.stringify(input);
    for (let at = 0; at < json.length; at += ARGUMENTS_PIECE) {
      const piece = { arguments: json.slice(at, at + ARGUMENTS_PIECE) };
      yield chunk({ tool_calls: [{ index, function: piece }] }, 'content');
    }
  }
  if (reply.ending === 'error') {
    const error = { code: 502, message: 'Provider disconnected unexpectedly' };
    const choices = [{ index: 0, delta: { content: '' }, finish_reason: 'error' }];
    yield { data: event({ ...start, error, choices }), kind: 'closing' };
  } else if (!reply.endsInside) yield chunk({}, 'closing', finishOf(reply));
  if (includeUsage && reply.figures) {
    const figures = reply.figures;
    yield { data: event({ ...start, choices: [], usage: usage(figures) }), kind: 'closing', figures };
  }
  yield { data: 'data: [DONE]\n\n', kind: 'closing' };
}

function finishOf({ ending, finishReason }: Reply): string {
  return ending ?? FINISH_REASONS[finishReason];
}

function head({ id, model }: Reply, object: string): Body {
  return {
    id: `chatcmpl-${id}`,
    object,
    created: Math.floor(Date.now() / 1000),
    model,
    service_tier: 'default',
    system_fingerprint: 'fp_double',
  };
}

function call(id: string, name: string, json: string): Body {
  return { id, type: 'function', function: { name, arguments: json } };
}

function annotations({ sources }: Reply): unknown[] {
  return sources.map(({ url, title }) => ({
    type: 'url_citation',
    url_citation: { start_index: 0, end_index: title.length, url, title },
  }));
}

function usage({ input, cachedRead, cacheWrite, output, reasoning }: TokenFigures): unknown {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: {
      cached_tokens: cachedRead,
      audio_tokens: 0,
      ...(cacheWrite ? { cache_write_tokens: cacheWrite } : {}),
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}
