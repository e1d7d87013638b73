import type { AnswerReaders } from './instances/answer-readers.js';
import type { RemoteTurns } from './instances/remote-turns.js';
import { TurnInterruption } from './turn-interruption.js';
import type { TurnRequest } from './turn.types.js';

it.each([
  ['is not stopped while it is read', true],
  ['is in the way no more after it has ended by itself', false],
])('an answer of another instance %s', async (_, isAnswering) => {
  const remote = {
    // It stops nothing: the answer is read, or there is none any more.
    stop: () => Promise.resolve(false),
    isAnswering: () => Promise.resolve(isAnswering),
  };
  const readers = { isFollowed: () => false };
  const interruption = new TurnInterruption(
    remote as unknown as RemoteTurns,
    readers as unknown as AnswerReaders,
  );
  const request = { chatId: 'chat', action: { type: 'submit' } } as TurnRequest;
  const isFree = await interruption.stopRemote('user', request, () => Promise.resolve());
  expect(isFree).toBe(!isAnswering);
});
