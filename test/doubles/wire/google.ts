import { type Body, type Dialect, type Frame, type RequestFacts, textOf } from './dialect.js';
import { googleStatus, googleStreamError } from './google-errors.js';
import { googleRefusal } from './google-rules.js';
import type { Reply, TokenFigures } from './reply.js';

const FINISH_REASONS = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  'tool-calls': 'STOP',
  'content-filter': 'SAFETY',
};

/** Gemini signs reasoning and calls. Clients must send the signature back with them. */
export const THOUGHT_SIGNATURE = 'RG91YmxlIHRob3VnaHQgc2lnbmF0dXJl';

/** Gemini: `POST /models/{id}:streamGenerateContent?alt=sse` and `:generateContent`. */
export const google: Dialect = {
  provider: 'google',
  headers: () => ({ 'x-gemini-service-tier': 'standard', 'server-timing': 'gfet4t7; dur=12' }),
  facts,
  refusal: googleRefusal,
  frames,
  whole(reply, body) {
    const parts: unknown[] = reply.reasoning.length ? [thought(reply.reasoning.join(''))] : [];
    parts.push(...codeParts(reply, body));
    const text = [...reply.text].join('');
    if (text) parts.push({ text });
    parts.push(...callParts(reply));
    if (reply.promptBlock !== undefined) return { body: blocked(reply), figures: promptAlone(reply.figures) };
    return { body: closing(reply, parts, reply.figures), figures: withoutCacheWrites(reply.figures) };
  },
  brokenFrame: 'data: {"candidates": [{"content": {"parts": [{"text": "bro\r\n\r\n',
  errorFrame: (reason) => event(googleStreamError(reason)),
  statusAnswer: (status, { model }, retryAfter) =>
    status === 529 ? googleStatus(503, model) : googleStatus(status, model, retryAfter),
};

function facts(body: Body, path: string): RequestFacts {
  const [, model = '', method] = /\/models\/(.+):(\w+)$/.exec(path) ?? [];
  const contents = (body['contents'] ?? []) as Body[];
  const users = contents.filter(({ role }) => (role ?? 'user') === 'user').map(({ parts }) => textOf(parts));
  const last = contents.at(-1)?.['parts'] as Body[] | undefined;
  return {
    model: decodeURIComponent(model),
    stream: method === 'streamGenerateContent',
    instructions: textOf(body['systemInstruction']?.parts ?? body['system_instruction']?.parts),
    userText: users.filter(Boolean).at(-1) ?? '',
    afterTools: last?.some((part) => 'functionResponse' in part) ?? false,
    wantsReasoning: body['generationConfig']?.thinkingConfig?.includeThoughts === true,
    maxOutputTokens: body['generationConfig']?.maxOutputTokens,
  };
}

/** Each event repeats the counts so far, as in Gemini. */
function* frames(reply: Reply, body: Body): Generator<Frame> {
  const { figures } = reply;
  const answerTokens = figures ? figures.output - figures.reasoning : 0;
  const steps = reply.textChunks + reply.toolCalls.length;
  const soFar = (step: number): TokenFigures | undefined =>
    figures && {
      ...figures,
      cacheWrite: 0,
      output: figures.reasoning + (step === 0 ? 0 : Math.trunc((answerTokens * step) / steps)),
    };
  const content = (part: unknown, step: number): Frame => {
    const counts = soFar(step);
    return {
      data: event(chunk(reply, { content: model([part]), index: 0 }, counts)),
      kind: 'content',
      figures: counts,
    };
  };
  if (reply.promptBlock !== undefined) {
    yield { data: event(blocked(reply)), kind: 'closing', figures: promptAlone(figures) };
    return;
  }
  for (const words of reply.reasoning) yield content(thought(words), 0);
  for (const part of codeParts(reply, body)) yield content(part, 0);
  let step = 0;
  for (const words of reply.text) {
    if (reply.endsInside && step + 1 === steps) {
      const last = closing(reply, [{ text: words }], figures);
      yield { data: event(last), kind: 'content', figures: withoutCacheWrites(figures) };
      return;
    }
    yield content({ text: words }, ++step);
  }
  for (const part of callParts(reply)) yield content(part, ++step);
  // An answer that is cut off before its first word has no content.
  const nothing =
    reply.finishReason === 'length' || reply.finishReason === 'content-filter' || reply.ending !== undefined;
  yield {
    data: event(closing(reply, nothing ? undefined : [{ text: '' }], figures)),
    kind: 'closing',
    figures: withoutCacheWrites(figures),
  };
}

function callParts({ toolCalls }: Reply): unknown[] {
  // Only the first of parallel calls is signed.
  return toolCalls.map(({ id, name, input }, index) => ({
    functionCall: { id, name, args: input },
    ...(index === 0 ? { thoughtSignature: THOUGHT_SIGNATURE } : {}),
  }));
}

/** Code that Gemini has written and run during its answer. */
function codeParts({ codeRun }: Reply, body: Body): unknown[] {
  const allowed = (body['tools'] as Body[] | undefined)?.some((tool) => 'codeExecution' in tool);
  if (!codeRun || !allowed) return [];
  return [
    { executableCode: { language: 'PYTHON', code: codeRun.code } },
    { codeExecutionResult: { outcome: 'OUTCOME_OK', output: codeRun.output } },
  ];
}

function thought(text: string): unknown {
  return { text, thought: true };
}

function model(parts: unknown[]): unknown {
  return { parts, role: 'model' };
}

/** A blocked prompt has no candidates. */
function blocked(reply: Reply): unknown {
  const { figures, promptBlock } = reply;
  return {
    promptFeedback: { blockReason: promptBlock },
    ...(figures ? { usageMetadata: usage({ ...figures, output: 0, reasoning: 0 }) } : {}),
    modelVersion: reply.model,
    responseId: reply.id.slice(0, 22),
  };
}

function closing(reply: Reply, parts: unknown[] | undefined, figures: TokenFigures | undefined): unknown {
  return chunk(
    reply,
    {
      ...(parts ? { content: model(parts) } : {}),
      finishReason: reply.ending ?? FINISH_REASONS[reply.finishReason],
      ...(reply.ending === 'MALFORMED_FUNCTION_CALL'
        ? { finishMessage: 'Malformed function call: print(default_api.getWeather(city=' }
        : {}),
      index: 0,
      ...(reply.sources.length ? { groundingMetadata: grounding(reply) } : {}),
    },
    figures,
  );
}

function chunk(reply: Reply, candidate: unknown, figures: TokenFigures | undefined): unknown {
  return {
    candidates: [candidate],
    ...(figures ? { usageMetadata: usage(figures) } : {}),
    modelVersion: reply.model,
    responseId: reply.id.slice(0, 22),
  };
}

function usage({ input, cachedRead, output, reasoning, audio = 0, toolUse = 0 }: TokenFigures): unknown {
  return {
    promptTokenCount: input - toolUse,
    ...(output === reasoning ? {} : { candidatesTokenCount: output - reasoning }),
    ...(toolUse
      ? {
          toolUsePromptTokenCount: toolUse,
          toolUsePromptTokensDetails: [{ modality: 'TEXT', tokenCount: toolUse }],
        }
      : {}),
    totalTokenCount: input + output,
    ...(cachedRead ? { cachedContentTokenCount: cachedRead } : {}),
    promptTokensDetails: [
      { modality: 'TEXT', tokenCount: input - toolUse - audio },
      ...(audio ? [{ modality: 'AUDIO', tokenCount: audio }] : []),
    ],
    ...(cachedRead ? { cacheTokensDetails: [{ modality: 'TEXT', tokenCount: cachedRead }] } : {}),
    ...(reasoning ? { thoughtsTokenCount: reasoning } : {}),
  };
}

function grounding({ sources }: Reply): unknown {
  return {
    searchEntryPoint: { renderedContent: '<div class="container"></div>' },
    groundingChunks: sources.map(({ url, title }) => ({ web: { uri: url, title } })),
    groundingSupports: sources.map(({ title }, index) => ({
      segment: { endIndex: title.length, text: title },
      groundingChunkIndices: [index],
    })),
    webSearchQueries: ['what the user said'],
  };
}

function promptAlone(figures: TokenFigures | undefined): TokenFigures | undefined {
  return figures && { ...figures, cacheWrite: 0, output: 0, reasoning: 0 };
}

/** Gemini does not report what it writes to its cache. */
function withoutCacheWrites(figures: TokenFigures | undefined): TokenFigures | undefined {
  return figures && { ...figures, cacheWrite: 0 };
}

function event(value: unknown): string {
  return `data: ${JSON.stringify(value)}\r\n\r\n`;
}
