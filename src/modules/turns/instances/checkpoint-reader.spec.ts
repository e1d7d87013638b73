import type { UIMessage, UIMessageChunk } from 'ai';
import { MessageAssembler } from '../message-assembler.js';
import { CheckpointConflict, CheckpointReader } from './checkpoint-reader.js';

const call = { toolCallId: 'c1', toolName: 'search' };
const remote = { toolCallId: 'c2', toolName: 'remote', dynamic: true as const };

const CHUNKS: UIMessageChunk[] = [
  { type: 'data-agent', data: { agentType: 'chat' } },
  { type: 'start-step' },
  { type: 'reasoning-start', id: '0', providerMetadata: { google: { a: 1 } } },
  { type: 'reasoning-delta', id: '0', delta: 'Let me ' },
  { type: 'reasoning-delta', id: '0', delta: 'see.' },
  { type: 'reasoning-end', id: '0', providerMetadata: { google: { signature: 's' } } },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'I look' },
  { type: 'text-delta', id: '1', delta: ' it up.' },
  { type: 'text-end', id: '1' },
  { type: 'tool-input-start', ...call },
  { type: 'tool-input-available', ...call, input: { q: 1 }, providerMetadata: { google: { b: 2 } } },
  { type: 'tool-output-available', toolCallId: 'c1', output: 'half', preliminary: true },
  { type: 'tool-output-available', toolCallId: 'c1', output: { found: [1] } },
  { type: 'tool-input-start', ...remote },
  { type: 'tool-input-available', ...remote, input: {} },
  { type: 'tool-approval-request', approvalId: 'a', toolCallId: 'c2' },
  { type: 'tool-approval-response', approvalId: 'a', approved: false, reason: 'no' },
  { type: 'tool-output-denied', toolCallId: 'c2' },
  { type: 'finish-step' },
  { type: 'start-step' },
  { type: 'tool-input-start', toolCallId: 'c3', toolName: 'search' },
  { type: 'tool-input-error', toolCallId: 'c3', toolName: 'search', input: '{', errorText: 'bad' },
  { type: 'tool-input-available', toolCallId: 'c4', toolName: 'search', input: { q: 2 } },
  { type: 'tool-output-error', toolCallId: 'c4', errorText: 'away' },
  { type: 'data-progress', id: 'p', data: 1 },
  { type: 'data-progress', id: 'p', data: 2 },
  { type: 'source-url', sourceId: 's1', url: 'https://example.com' },
  { type: 'file', url: 'data:text/plain;base64,aGk=', mediaType: 'text/plain' },
  { type: 'text-start', id: '2' },
  { type: 'text-delta', id: '2', delta: 'It is' },
  { type: 'text-delta', id: '2', delta: ' so.' },
  { type: 'text-end', id: '2' },
  { type: 'finish-step' },
];

const copyOf = (parts: UIMessage['parts']) => JSON.parse(JSON.stringify(parts)) as UIMessage['parts'];

/** Checkpoints after some of the chunks, and what a reader of them has in the end. */
function follow(chunks: UIMessageChunk[], isCheckpoint: (index: number) => boolean) {
  const written = new MessageAssembler();
  const reader = new CheckpointReader();
  const followed = new MessageAssembler();
  for (const [index, chunk] of chunks.entries()) {
    written.add(chunk);
    if (!isCheckpoint(index) && index < chunks.length - 1) continue;
    for (const sent of reader.next(copyOf(written.parts))) followed.add(sent);
    expect(copyOf(followed.parts)).toEqual(copyOf(written.parts));
  }
  return { written, reader, followed };
}

describe('CheckpointReader', () => {
  it.each([1, 2, 3, 5, 8, 13, 100])('rebuilds the answer from checkpoints after every %i chunks', (every) => {
    follow(CHUNKS, (index) => (index + 1) % every === 0);
  });

  it('sends only what is new', () => {
    const reader = new CheckpointReader();
    const text = (words: string, state: 'streaming' | 'done'): UIMessage['parts'] => [
      { type: 'step-start' },
      { type: 'text', text: words, state },
    ];
    expect(reader.next(text('One', 'streaming')).map(({ type }) => type)).toEqual([
      'start-step',
      'text-start',
      'text-delta',
    ]);
    expect(reader.next(text('One', 'streaming'))).toEqual([]);
    expect(reader.next(text('One two', 'streaming'))).toEqual([
      { type: 'text-delta', id: 'text-1', delta: ' two' },
    ]);
    expect(reader.next(text('One two', 'done'))).toEqual([{ type: 'text-end', id: 'text-1' }]);
  });

  it('follows a step that is begun again', () => {
    const again: UIMessageChunk[] = [
      ...CHUNKS.slice(0, -3),
      { type: 'reset-step' },
      { type: 'text-start', id: '3' },
      { type: 'text-delta', id: '3', delta: 'Another answer' },
      { type: 'text-end', id: '3' },
    ];
    for (const every of [1, 4, 7]) follow(again, (index) => (index + 1) % every === 0);
  });

  it('gives up if an earlier step has changed', () => {
    const reader = new CheckpointReader();
    const step = (text: string): UIMessage['parts'] => [{ type: 'step-start' }, { type: 'text', text }];
    reader.next([...step('one'), ...step('two')]);
    expect(() => reader.next([...step('changed'), ...step('two')])).toThrow(CheckpointConflict);
  });
});
