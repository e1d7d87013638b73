import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { UIMessageChunk } from 'ai';
import { LINGERING_LIMIT, LiveStream, type StreamReader } from './live-stream.js';

const delta = (text: string, id = '1'): UIMessageChunk => ({ type: 'text-delta', id, delta: text });

class Reader implements StreamReader {
  frames: string[] = [];
  ended = false;
  dropped = false;
  /** The number of frames it accepts before it signals backpressure. */
  room = Number.POSITIVE_INFINITY;

  write(frame: string): boolean {
    this.frames.push(frame);
    return --this.room > 0;
  }

  end(): void {
    this.ended = true;
  }

  drop(): void {
    this.dropped = true;
  }

  chunks(): UIMessageChunk[] {
    return this.frames
      .filter((frame) => frame.startsWith('data: {'))
      .map((frame) => JSON.parse(frame.slice(6)) as UIMessageChunk);
  }

  text(): string {
    return this.chunks()
      .map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : ''))
      .join('');
  }
}

describe('LiveStream', () => {
  it('sends every reader everything from the first chunk: live readers as it comes, late readers in joined chunks', () => {
    const stream = new LiveStream();
    const early = new Reader();
    stream.subscribe(early);
    stream.publish({ type: 'start', messageId: 'm' });
    stream.publish({ type: 'text-start', id: '1' });
    for (const letter of 'abcdef') stream.publish(delta(letter));
    const late = new Reader();
    stream.subscribe(late);
    stream.publish(delta('g'));
    stream.publish({ type: 'text-end', id: '1' });
    stream.finish();
    expect(early.chunks()).toHaveLength(10);
    expect(late.chunks()).toEqual([
      { type: 'start', messageId: 'm' },
      { type: 'text-start', id: '1' },
      delta('abcdef'),
      delta('g'),
      { type: 'text-end', id: '1' },
    ]);
    for (const reader of [early, late]) {
      expect(reader.text()).toBe('abcdefg');
      expect(reader.frames.at(-1)).toBe('data: [DONE]\n\n');
      expect(reader.ended).toBe(true);
    }
  });

  it('keeps deltas of different parts apart', () => {
    const stream = new LiveStream();
    stream.publish(delta('a', '1'));
    stream.publish(delta('b', '2'));
    stream.publish({ type: 'reasoning-delta', id: '2', delta: 'c' });
    stream.publish({ type: 'text-delta', id: '2', delta: 'd', providerMetadata: { x: { y: 1 } } });
    const reader = new Reader();
    stream.subscribe(reader);
    expect(reader.chunks()).toHaveLength(4);
  });

  it('keeps only a position for a slow reader, and lets it catch up in a few frames', () => {
    const stream = new LiveStream();
    const slow = new Reader();
    slow.room = 2;
    const subscription = stream.subscribe(slow);
    stream.publish({ type: 'text-start', id: '1' });
    for (let index = 0; index < 1000; index++) stream.publish(delta('x'));
    expect(slow.frames).toHaveLength(2);
    slow.room = Number.POSITIVE_INFINITY;
    subscription.resume();
    expect(slow.frames).toHaveLength(3);
    expect(slow.text()).toBe('x'.repeat(1000));
    stream.publish(delta('y'));
    stream.finish();
    expect(slow.text()).toBe(`${'x'.repeat(1000)}y`);
    expect(slow.ended).toBe(true);
  });

  it('lets a slow reader finish reading after the end', () => {
    const stream = new LiveStream();
    const slow = new Reader();
    slow.room = 1;
    const subscription = stream.subscribe(slow);
    stream.publish(delta('a'));
    stream.publish(delta('b'));
    stream.finish();
    expect(slow.ended).toBe(false);
    slow.room = Number.POSITIVE_INFINITY;
    subscription.resume();
    expect(slow.text()).toBe('ab');
    expect(slow.ended).toBe(true);
  });

  it('removes a reader that has left, and sends nothing after the end', () => {
    const stream = new LiveStream();
    const reader = new Reader();
    const subscription = stream.subscribe(reader);
    subscription.close();
    stream.publish(delta('a'));
    expect(reader.frames).toHaveLength(0);
    stream.finish();
    stream.publish(delta('b'));
    const after = new Reader();
    stream.subscribe(after);
    expect(after.text()).toBe('a');
    expect(after.ended).toBe(true);
  });

  it('keeps only the latest version of content that is sent in full, for each document', () => {
    const stream = new LiveStream();
    const behind = new Reader();
    behind.room = 2;
    const subscription = stream.subscribe(behind);
    const code = (data: string): UIMessageChunk => ({ type: 'data-codeDelta', data });
    const clear: UIMessageChunk = { type: 'data-clear', data: null };
    stream.publish(clear);
    for (let length = 1; length <= 1_000; length++) stream.publish(code('x'.repeat(length)));
    const { size } = stream;
    stream.publish(clear);
    stream.publish(code('y'));
    stream.publish(code('yy'));
    stream.finish();
    expect(size).toBeLessThan(2_000);
    const late = new Reader();
    stream.subscribe(late);
    expect(late.chunks()).toEqual([clear, code('x'.repeat(1_000)), clear, code('yy')]);
    behind.room = Number.POSITIVE_INFINITY;
    subscription.resume();
    expect(behind.chunks()).toEqual([clear, code('x'), ...late.chunks().slice(1)]);
    expect(behind.ended).toBe(true);
  });

  it('keeps ended answers for readers that are behind only within a limit, the newest ones', () => {
    expect(LINGERING_LIMIT.size).toBe(32 * 1024 ** 2);
    LINGERING_LIMIT.size = 5_000;
    try {
      const readers = Array.from({ length: 4 }, () => {
        const stream = new LiveStream();
        const reader = new Reader();
        reader.room = 1;
        const subscription = stream.subscribe(reader);
        stream.publish(delta('first'));
        stream.publish(delta('x'.repeat(2_000)));
        stream.finish();
        return { reader, subscription };
      });
      expect(readers.map(({ reader }) => reader.dropped)).toEqual([true, true, false, false]);
      for (const { reader, subscription } of readers) {
        reader.room = Number.POSITIVE_INFINITY;
        subscription.resume();
      }
      expect(readers.map(({ reader }) => reader.ended)).toEqual([false, false, true, true]);
    } finally {
      LINGERING_LIMIT.size = 32 * 1024 ** 2;
    }
  });

  it('keeps little more than the text of an answer of many tokens', () => {
    const streams = Array.from({ length: 60 }, () => new LiveStream());
    const before = heap();
    for (const stream of streams)
      for (let token = 0; token < 20_000; token++) stream.publish(delta(` t${token % 10}`));
    const perCharacter = (heap() - before) / streams.reduce((sum, { size }) => sum + size, 0);
    // A tree of the tokens takes more than ten bytes for each character.
    expect(perCharacter).toBeLessThan(3);
  });
});

function heap(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
