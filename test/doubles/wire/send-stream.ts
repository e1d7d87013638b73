import type { Fault, Interlude, Script } from '../script.js';
import { compressed } from './compressed.js';
import { type Dialect, EVENT_STREAM, type Frame } from './dialect.js';
import type { Exchange } from './exchange.js';
import type { Reply } from './reply.js';

/** Unpaced chunks to write before other work can run. */
const BURST = 32;

/** Time for written data to arrive: a reset discards data in transit. */
const FLUSH_MS = 20;

/** Streams a reply at the script's speed, until its end or its fault. */
export function sendStream(exchange: Exchange, dialect: Dialect, reply: Reply, script: Script): void {
  const { record } = exchange;
  const { fault, chunkDelayMs = 0, pauseAfter } = script;
  const interludes = [...(script.interludes ?? [])];
  const frames = dialect.frames(reply, record.body)[Symbol.iterator]();
  const faultAt = fault && 'chunks' in fault ? fault.chunks : undefined;
  let faultOpen = faultAt !== undefined;
  let pauseOpen = pauseAfter !== undefined;
  let sent = 0;
  /** A frame that waits for `resume()`. */
  let kept: Frame | undefined;
  let dueAt = 0;

  record.state = 'streaming';
  record.status = 200;
  const { response } = exchange;
  response.writeHead(200, {
    'content-type': EVENT_STREAM,
    'cache-control': 'no-cache',
    ...(script.encoding ? { 'content-encoding': script.encoding } : {}),
    ...exchange.headers,
  });
  const body = compressed(response, script.encoding);
  if (script.overture !== undefined) body.write(script.overture);
  if (chunkDelayMs > 0) dueAt = performance.now();
  exchange.changed();
  step();

  function step(): void {
    let burst = 0;
    let buffer = '';
    while (!response.destroyed) {
      const frame = kept ?? next();
      kept = undefined;
      if (!frame) return finish(buffer);
      const atContent = frame.kind !== 'structure';
      const interlude = atContent && interludes.find(({ after }) => record.chunks >= after);
      if (interlude) {
        interludes.splice(interludes.indexOf(interlude), 1);
        kept = frame;
        if (buffer) body.write(buffer);
        return play(interlude);
      }
      if (atContent && isDue(pauseOpen, pauseAfter, frame)) {
        kept = frame;
        return pause(buffer);
      }
      if (atContent && isDue(faultOpen, faultAt, frame)) {
        faultOpen = false;
        if (fault?.type !== 'malformed') return strike(buffer);
        buffer += dialect.brokenFrame;
      }
      buffer += frame.data;
      sent++;
      if (frame.figures) exchange.report(frame.figures);
      if (frame.kind !== 'content') continue;

      record.chunks++;
      // A fault or a pause comes right after its chunk, not with the next one.
      if (pauseOpen && record.chunks === pauseAfter) return pause(buffer);
      if (faultOpen && record.chunks === faultAt && fault?.type !== 'malformed') return strike(buffer);
      const flowing = body.write(buffer);
      buffer = '';
      if (!flowing) return void body.once('drain', later);
      if (chunkDelayMs > 0) return later();
      if (++burst === BURST) return void setImmediate(step);
    }
  }

  function next(): Frame | undefined {
    const result = frames.next();
    return result.done ? undefined : result.value;
  }

  /** Before content, or before the end if the stream is too short. */
  function isDue(open: boolean, at: number | undefined, frame: Frame): boolean {
    return open && (frame.kind === 'closing' || record.chunks >= (at ?? 0));
  }

  /** Keeps the speed over the whole stream, so that late timers do not add up. */
  function later(): void {
    if (chunkDelayMs === 0) return void setImmediate(step);
    const now = performance.now();
    dueAt = Math.max(dueAt + chunkDelayMs, now);
    setTimeout(step, Math.max(1, Math.round(dueAt - now))).unref();
  }

  function pause(buffer: string): void {
    pauseOpen = false;
    if (buffer) body.write(buffer);
    hold();
    exchange.onResume(() => {
      record.state = 'streaming';
      dueAt = performance.now();
      step();
    });
  }

  function play({ data, times = 1, everyMs = 0 }: Interlude): void {
    let left = times;
    const beat = () => {
      if (response.destroyed) return;
      if (left-- === 0) return step();
      body.write(data);
      if (everyMs === 0) beat();
      else setTimeout(beat, everyMs).unref();
    };
    beat();
  }

  function hold(): void {
    if (!response.headersSent) response.flushHeaders();
    record.state = 'held';
    exchange.changed();
  }

  function finish(buffer: string): void {
    exchange.complete();
    if (fault?.type === 'after-end') linger(buffer, fault.how);
    else body.end(buffer);
  }

  function linger(buffer: string, how: (Fault & { type: 'after-end' })['how']): void {
    body.write(buffer, () => {
      const { socket } = response;
      if (how === 'reset') setTimeout(() => socket?.resetAndDestroy(), FLUSH_MS);
      else if (how === 'no-end-of-body') socket?.end();
      else if (how === 'pings') play({ after: 0, data: ': ping\n\n', times: Infinity, everyMs: 100 });
    });
  }

  function strike(buffer: string): void {
    faultOpen = false;
    const broken = fault as Fault;
    switch (broken.type) {
      case 'error-frame':
        body.end(buffer + dialect.errorFrame(broken.reason ?? 'overloaded', sent, reply, broken.withUsage));
        return;
      case 'half-close':
        if (!broken.abrupt) body.end(buffer);
        else {
          exchange.cutByDouble = true;
          body.write(buffer || '\n', () => response.socket?.end());
        }
        return;
      case 'reset-after':
        exchange.cutByDouble = true;
        body.write(buffer || '\n', () => setTimeout(() => response.socket?.resetAndDestroy(), FLUSH_MS));
        return;
      default:
        if (buffer) body.write(buffer);
        hold();
    }
  }
}
