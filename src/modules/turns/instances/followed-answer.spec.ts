import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { MessageAssembler } from '../message-assembler.js';
import type { LiveStream } from '../stream-hub/live-stream.js';
import { ReplayLog } from '../stream-hub/replay-log.js';
import { FollowedAnswer } from './followed-answer.js';
import type { FoundAnswer, StoredAnswer } from './followed-answers.repository.js';

const call = { toolCallId: 'c1', toolName: 'search' };

const STEPS: UIMessageChunk[] = [
  { type: 'data-agent', data: { agentType: 'chat' } },
  { type: 'start-step' },
  { type: 'reasoning-start', id: 'r' },
  ...[...'Let me see.'].map((delta) => ({ type: 'reasoning-delta' as const, id: 'r', delta })),
  { type: 'reasoning-end', id: 'r' },
  { type: 'text-start', id: 't' },
  ...[...'I look it up.'].map((delta) => ({ type: 'text-delta' as const, id: 't', delta })),
  { type: 'text-end', id: 't' },
  { type: 'tool-input-start', ...call },
  ...[...'{"q":1}'].map((inputTextDelta) => ({
    type: 'tool-input-delta' as const,
    toolCallId: 'c1',
    inputTextDelta,
  })),
  { type: 'tool-input-available', ...call, input: { q: 1 } },
  { type: 'tool-output-available', toolCallId: 'c1', output: { found: [1] } },
  { type: 'finish-step' },
  { type: 'start-step' },
  ...(['kind', 'id', 'title', 'clear'] as const).map((name) => transient(name, 'text')),
  ...[...'A poem'].map((data) => transient('textDelta', data)),
  transient('finish', null),
  { type: 'text-start', id: 't' },
  ...[...'It is so. It really is.'].map((delta) => ({ type: 'text-delta' as const, id: 't', delta })),
  { type: 'text-end', id: 't' },
  { type: 'finish-step' },
];

function transient(name: string, data: unknown): UIMessageChunk {
  return { type: `data-${name}`, data, transient: true };
}

const stored = (parts: UIMessage['parts'], change: Partial<FoundAnswer> = {}): FoundAnswer => ({
  messageId: 'm',
  streamId: 's',
  instanceId: 1,
  status: 'streaming',
  finishReason: null,
  metadata: null,
  createdAt: new Date(0),
  version: String(Math.random()),
  parts: JSON.parse(JSON.stringify(parts)),
  title: 'A chat',
  lastContext: null,
  isMarked: true,
  model: null,
  questionId: null,
  question: null,
  ...change,
});

/** An answer with its log, which its owner writes, and its checkpoints. */
class Owner {
  readonly log = new ReplayLog();
  readonly answer = new MessageAssembler();
  private position = { entry: 0, offset: 0 };
  private sequence = 0;

  publish(chunk: UIMessageChunk): void {
    this.log.append(chunk);
    this.answer.add(chunk);
  }

  /** The log begins again. */
  restart(): void {
    this.position = { entry: 0, offset: 0 };
    this.sequence = 0;
  }

  write(to: FollowedAnswer, state: 'live' | 'ended' = 'live'): boolean {
    const chunks: UIMessageChunk[] = [];
    for (let next = this.log.next(this.position); next; next = this.log.next(this.position)) {
      this.position = next.position;
      chunks.push(next.chunk);
    }
    return to.takeEntry({ sequence: this.sequence++, chunks, state });
  }

  checkpoint(): StoredAnswer {
    return stored(this.answer.parts);
  }
}

function readerOf(stream: LiveStream): { chunks: UIMessageChunk[]; isDone: () => boolean } {
  const chunks: UIMessageChunk[] = [];
  let done = false;
  stream.subscribe({
    write: (frame) => {
      if (frame.startsWith('data: {')) chunks.push(JSON.parse(frame.slice(6)) as UIMessageChunk);
      return true;
    },
    end: () => void (done = true),
    drop: () => undefined,
  });
  return { chunks, isDone: () => done };
}

/** What the AI SDK's client has in the end. It refuses chunks that do not belong together. */
async function messageOf(chunks: UIMessageChunk[]): Promise<UIMessage> {
  const stream = new ReadableStream<UIMessageChunk>({
    start: (controller) => {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let message: UIMessage | undefined;
  const onError = (error: unknown) => {
    throw error;
  };
  for await (const state of readUIMessageStream({ stream, onError, terminateOnError: true })) message = state;
  return message!;
}

/** The client keeps the ids of reasoning. They are not stored. */
function withoutIds(parts: UIMessage['parts']): unknown {
  return JSON.parse(JSON.stringify(parts, (key, value: unknown) => (key === 'id' ? undefined : value)));
}

/** Repeatable chance. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('FollowedAnswer', () => {
  it('is the same message, however often it changes between the log and the checkpoints', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      const random = randomOf(seed);
      const owner = new Owner();
      const followed = new FollowedAnswer(stored([]));
      const reader = readerOf(followed.stream);
      owner.publish({ type: 'start', messageId: 'm' });
      let isLog = random() < 0.7;
      if (!isLog) followed.leaveLog();
      let old = owner.checkpoint();
      for (const chunk of STEPS) {
        owner.publish(chunk);
        if (random() < 0.15) {
          isLog = !isLog;
          if (isLog) owner.restart();
          else followed.leaveLog();
        }
        // A checkpoint may be older than what came from the log.
        if (random() < 0.4) old = owner.checkpoint();
        if (random() < 0.5) {
          if (isLog) owner.write(followed);
          else followed.takeCheckpoint(old);
        }
      }
      const parts = JSON.parse(JSON.stringify(owner.answer.parts)) as UIMessage['parts'];
      if (isLog) {
        owner.write(followed);
        expect(owner.write(followed, 'ended')).toBe(true);
      } else
        expect(followed.takeCheckpoint(stored(parts, { status: 'complete', isMarked: false }))).toBe(true);
      expect([seed, reader.isDone()]).toEqual([seed, true]);
      const message = await messageOf(reader.chunks);
      expect([seed, withoutIds(message.parts)]).toEqual([seed, parts]);
      // Nothing is taken back or sent twice.
      const texts = reader.chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('');
      expect([seed, texts]).toEqual([seed, 'I look it up.It is so. It really is.']);
      const steps = reader.chunks.map(({ type }) => type).filter((type) => type.endsWith('-step'));
      expect([seed, steps]).toEqual([seed, ['start-step', 'finish-step', 'start-step', 'finish-step']]);
    }
  });

  it('ends with the size of the context, if the chat knows it of this answer', () => {
    const lastContext = {
      ...{ messageId: 'm', model: 'google/gemini', promptTokens: 9, answerTokens: 4 },
      ...{ contextWindow: 1_000, summarizedThrough: null, isShortened: false },
    };
    const lastTypes = (known: unknown) => {
      const followed = new FollowedAnswer(
        stored([{ type: 'step-start' }, { type: 'text', text: 'Yes.', state: 'done' }], {
          ...{ status: 'complete', isMarked: false, lastContext: known },
        }),
      );
      const reader = readerOf(followed.stream);
      expect(followed.followCheckpoints()).toBe(true);
      return reader.chunks.slice(-3);
    };
    expect(lastTypes(lastContext)).toEqual([
      { type: 'finish-step' },
      {
        type: 'data-context',
        data: { inputTokens: 9, contextWindow: 1_000, summarizedThrough: null },
        transient: true,
      },
      expect.objectContaining({ type: 'finish' }),
    ]);
    for (const other of [null, [], { ...lastContext, messageId: 'another' }])
      expect(lastTypes(other).map(({ type }) => type)).toEqual(['text-end', 'finish-step', 'finish']);
  });

  it('takes back what a dead instance has written and nobody has stored', async () => {
    const owner = new Owner();
    const followed = new FollowedAnswer(stored([]));
    const reader = readerOf(followed.stream);
    owner.publish({ type: 'start', messageId: 'm' });
    owner.publish({ type: 'start-step' });
    owner.publish({ type: 'text-start', id: '0' });
    owner.publish({ type: 'text-delta', id: '0', delta: 'Stored' });
    const { parts } = owner.checkpoint();
    owner.publish({ type: 'text-delta', id: '0', delta: ' and lost' });
    owner.write(followed);
    followed.leaveLog();
    const last = { status: 'interrupted', isMarked: false } as const;
    expect(followed.takeCheckpoint(stored(parts as UIMessage['parts'], last))).toBe(true);
    expect(reader.chunks.at(-1)).toEqual({ type: 'abort', reason: 'interrupted' });
    expect(await messageOf(reader.chunks)).toMatchObject({
      parts: [{ type: 'step-start' }, { type: 'text', text: 'Stored' }],
    });
  });

  it('shows a document that is being written, after checkpoints that do not contain it', () => {
    const owner = new Owner();
    const followed = new FollowedAnswer(stored([]));
    const reader = readerOf(followed.stream);
    owner.publish({ type: 'start', messageId: 'm' });
    owner.publish({ type: 'start-step' });
    for (const name of ['kind', 'id', 'title', 'clear']) owner.publish(transient(name, name));
    owner.publish(transient('textDelta', 'Roses '));
    owner.publish(transient('textDelta', 'are '));
    followed.leaveLog();
    followed.takeCheckpoint(owner.checkpoint());
    owner.write(followed);
    owner.publish(transient('textDelta', 'red.'));
    owner.write(followed);
    const shown = reader.chunks.slice(-6).map((chunk) => ('data' in chunk ? chunk.data : undefined));
    expect(shown).toEqual(['kind', 'id', 'title', 'clear', 'Roses are ', 'red.']);
    followed.leaveLog();
    followed.takeCheckpoint(stored(owner.answer.parts, { status: 'stopped', isMarked: false }));
    expect(reader.chunks.filter(({ type }) => type === 'data-finish')).toHaveLength(1);
  });
});
