import { randomInt, randomUUID } from 'node:crypto';
import Fastify, { type FastifyRequest } from 'fastify';
import type * as Paging from '../../src/common/http/paging.js';
import type { FinishedAnswer } from '../../src/modules/turns/turn-end.repository.js';
import type * as TurnEndRepositories from '../../src/modules/turns/turn-end.repository.js';
import type * as HistoryRepositories from '../../src/modules/turns/history.repository.js';
import type * as TurnRepositories from '../../src/modules/turns/turn.repository.js';
import type * as ChatMapper from '../../src/modules/chat/chat.mapper.js';
import type * as ChatsRepositories from '../../src/modules/chat/chats.repository.js';
import type * as MessagesMapper from '../../src/modules/messages/messages.mapper.js';
import type * as MessagesRepositories from '../../src/modules/messages/messages.repository.js';
import type * as AdmissionRepositories from '../../src/modules/rate-limit/admission.repository.js';
import type * as Books from '../../src/modules/usage/books.js';
import type { FinishedCall, SentCall } from '../../src/modules/usage/usage.types.js';
import { load } from '../support/build.js';
import { BareDatabase } from './database.js';
import { type Frame, readAnswer, type SendBody, textOf, Upstream } from './upstream.js';

/**
 * Shows what plain Fastify with `pg` reaches with the same database work. It uses the statements of the product's own
 * repositories, so they are always the same. It uses nothing else of the product: no Nest, no TypeORM, no AI SDK, no
 * stream hub. It verifies no token and validates no body.
 */
const { AdmissionRepository } = await load<typeof AdmissionRepositories>(
  'modules/rate-limit/admission.repository.js',
);
const { TurnEndRepository } = await load<typeof TurnEndRepositories>('modules/turns/turn-end.repository.js');
const { HistoryRepository } = await load<typeof HistoryRepositories>('modules/turns/history.repository.js');
const { TurnRepository } = await load<typeof TurnRepositories>('modules/turns/turn.repository.js');
const { entryOf, toBooks } = await load<typeof Books>('modules/usage/books.js');
const { ChatsRepository } = await load<typeof ChatsRepositories>('modules/chat/chats.repository.js');
const { MessagesRepository } = await load<typeof MessagesRepositories>(
  'modules/messages/messages.repository.js',
);
const { toChat } = await load<typeof ChatMapper>('modules/chat/chat.mapper.js');
const { toMessage } = await load<typeof MessagesMapper>('modules/messages/messages.mapper.js');
const { toPage } = await load<typeof Paging>('common/http/paging.js');

/** The same as the product's seeded limits: too high to be reached. */
const HISTORY_BYTES = 6_000_000;
const LIMITS = { hourly: 1_000_000, daily: 1_000_000 };
const DEFAULT_TITLE = 'New chat';
const NOTHING: Frame = { text: '', inputTokens: 0, outputTokens: 0 };

const database = new BareDatabase(process.env['DATABASE_URL'] ?? '');
const instance = await database.register(randomInt(1, 2 ** 31 - 1));
const admissions = new AdmissionRepository(database.asDatabase(), instance);
const turnEnds = new TurnEndRepository(database.asDatabase());
const histories = new HistoryRepository(database.asDatabase());
const turns = new TurnRepository(database.asDatabase(), instance);
const chats = new ChatsRepository();
const messages = new MessagesRepository();
const upstream = new Upstream(process.env['UPSTREAM_URL'] ?? '');
const app = Fastify();

interface OpenTurn {
  userId: string;
  chatId: string;
  answerId: string;
  streamId: string;
  runId: string;
  call: SentCall;
  needsTitle: boolean;
}

app.post<{ Body: SendBody }>('/api/chat', async (request, reply) => {
  const text = textOf(request.body);
  const turn = await open(userOf(request), request.body);
  const answer = await upstream.stream(text);
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  const title = turn.needsTitle ? writeTitle(turn, text) : undefined;
  const pieces: Buffer[] = [];
  for await (const piece of answer) {
    pieces.push(piece as Buffer);
    reply.raw.write(piece);
  }
  const frame = readAnswer(Buffer.concat(pieces).toString('utf8'));
  const written = await title;
  const calls = [finishedCall(turn.call, frame), ...(written ? [written.call] : [])];
  await database.executeAsService([
    turnEnds.finish(
      { ...ending(turn, frame), title: written?.title },
      { calls: toBooks(calls), runId: turn.runId, isOver: true },
    ),
  ]);
  reply.raw.end();
});

app.get<{ Querystring: { limit?: string } }>('/api/chats', async (request) => {
  const userId = userOf(request);
  const limit = Number(request.query.limit ?? 20);
  const rows = await database.asUser(userId, (manager) =>
    chats.findPage(manager, { userId, limit: limit + 1 }),
  );
  return toPage(rows, limit, keyOf, (row) => toChat(row, userId));
});

app.get<{ Params: { id: string }; Querystring: { limit?: string } }>(
  '/api/chats/:id/messages',
  async (request, reply) => {
    const userId = userOf(request);
    const limit = Number(request.query.limit ?? 20);
    const rows = await database.asUser(userId, (manager) =>
      messages.findPage(manager, 'own', { userId, chatId: request.params.id, limit: limit + 1 }),
    );
    if (!rows) return reply.status(404).send();
    return toPage(rows, limit, keyOf, (row) => toMessage(row, true));
  },
);

async function open(userId: string, { id: chatId, message }: SendBody): Promise<OpenTurn> {
  const answerId = randomUUID();
  const streamId = randomUUID();
  const runId = randomUUID();
  const call = sentCall({ userId, chatId, answerId }, 'gemini-2.5-flash', 'answer');
  const sentCalls = JSON.stringify({ [call.id]: entryOf(call, finishedCall(call, NOTHING)) });
  const chat = { id: chatId, userId, title: DEFAULT_TITLE, visibility: 'private', create: true };
  const title = await database.asUser(
    userId,
    async (manager) => {
      const state = await turns.openChat(manager, chat);
      await turns.findActiveStream(manager, chatId);
      await histories.findHistory(manager, chatId, {
        target: message.id,
        mustHaveQuestion: false,
        bytes: HISTORY_BYTES,
      });
      const now = Date.now();
      const rows = turns.insertTurn({
        chatId,
        answerId,
        streamId,
        userMessage: { ...message, createdAt: new Date(now) },
        answerCreatedAt: new Date(now + 1),
      });
      await manager.query(rows.text, rows.parameters);
      return state?.title;
    },
    admissions.admitStatement(
      { id: runId, messageId: answerId, sentCalls },
      { userId, agentType: 'chat', limits: LIMITS, expectedCost: 0 },
    ),
  );
  return { userId, chatId, answerId, streamId, runId, call, needsTitle: title === DEFAULT_TITLE };
}

function ending(turn: OpenTurn, { text, inputTokens, outputTokens }: Frame): FinishedAnswer {
  const { userId, chatId, answerId, streamId } = turn;
  const figures = { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens };
  const usageFigures = { ...figures, cachedInputTokens: 0, reasoningTokens: 0 };
  const model = 'google/gemini-2.5-flash';
  return {
    id: answerId,
    chatId,
    streamId,
    parts: JSON.stringify([{ type: 'text', text, state: 'done' }]),
    status: 'complete',
    modelUsed: 'gemini-2.5-flash',
    metadata: { agentType: 'chat', model, usage: usageFigures, cost: 0.0001 },
    lastContext: { ...usageFigures, model, cost: 0.0001, contextWindow: 1_048_576 },
    userId,
    asked: [],
  };
}

async function writeTitle(turn: OpenTurn, text: string): Promise<{ title: string; call: FinishedCall }> {
  const call = sentCall(turn, 'gemini-2.5-flash-lite', 'title');
  const title = await upstream.title(text);
  return { title, call: finishedCall(call, { text: title, inputTokens: 100, outputTokens: 8 }) };
}

function sentCall(
  { userId, chatId, answerId }: Pick<OpenTurn, 'userId' | 'chatId' | 'answerId'>,
  model: string,
  purpose: string,
): SentCall {
  const messageId = purpose === 'answer' ? answerId : undefined;
  const metadata = { purpose, requestId: randomUUID(), messageId, ownKey: false };
  const base = { id: randomUUID(), userId, chatId, requestedAt: new Date(), metadata };
  return { ...base, agentType: 'chat', model, provider: 'google' };
}

function finishedCall(call: SentCall, frame: Frame): FinishedCall {
  const { inputTokens, outputTokens } = frame;
  const cost = { inputCost: '0.000030', outputCost: '0.000070', totalCost: '0.000100' };
  return {
    ...call,
    tokens: { inputTokens, outputTokens, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
    cost: { ...cost, unrounded: cost },
    metadata: { ...call.metadata, status: 'success', finishReason: 'stop', unroundedCost: cost },
    respondedAt: new Date(),
    durationMs: Date.now() - call.requestedAt.getTime(),
  };
}

/** The load generator sends the user's id in a header, so there is nothing to verify. */
function userOf(request: FastifyRequest): string {
  return String(request.headers['x-user-id']);
}

function keyOf({ createdAt, id }: { createdAt: Date; id: string }) {
  return { at: createdAt.toISOString(), id };
}

const url = await app.listen({ port: 0, host: '127.0.0.1' });
console.log(JSON.stringify({ url }));
process.once('SIGTERM', () => process.exit(0));
