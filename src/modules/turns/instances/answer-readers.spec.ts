import { LiveStream } from '../stream-hub/live-stream.js';
import { AnswerReaders } from './answer-readers.js';
import type { AnswerReadersRepository } from './answer-readers.repository.js';

/** The flags of a database that takes each statement only when it is told to. */
class SlowFlags {
  readonly stored = new Map<string, boolean>();
  private readonly waiting: Array<() => void> = [];

  async setFollowed(streamId: string, _userId: string, isFollowed: boolean): Promise<void> {
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.stored.set(streamId, isFollowed);
  }

  /** Lets the statements run, the last one first. */
  async settle(): Promise<void> {
    while (this.waiting.length > 0) {
      this.waiting.pop()?.();
      await new Promise(setImmediate);
    }
  }
}

describe('the readers of answers of other instances', () => {
  let flags: SlowFlags;
  let readers: AnswerReaders;

  beforeEach(() => {
    flags = new SlowFlags();
    readers = new AnswerReaders(flags as unknown as AnswerReadersRepository);
  });

  function follow(streamId: string, stream = new LiveStream()) {
    const reader = new AbortController();
    readers.follow('user', { chatId: 'chat', streamId, stream }, reader.signal);
    return { stream, leave: () => reader.abort() };
  }

  it('are known after one has left and returned at once', async () => {
    const { stream, leave } = follow('answer');
    leave();
    const again = follow('answer', stream);
    await flags.settle();
    expect([...flags.stored]).toEqual([['answer', true]]);
    expect(readers.isFollowed('chat')).toBe(true);
    again.leave();
    await flags.settle();
    expect([...flags.stored]).toEqual([['answer', false]]);
    expect(readers.isFollowed('chat')).toBe(false);
  });

  it('are those of the running answer, even if one still reads the answer before it', async () => {
    const slow = follow('earlier');
    slow.stream.publish({ type: 'finish' });
    slow.stream.finish();
    expect(readers.isFollowed('chat')).toBe(false);
    const present = follow('present');
    await flags.settle();
    expect(flags.stored.get('present')).toBe(true);
    slow.leave();
    await flags.settle();
    expect(flags.stored.get('present')).toBe(true);
    expect(readers.isFollowed('chat')).toBe(true);
    present.leave();
  });
});
