/** Rewrites complete events, each with the blank line after it. */
export type Rewrite = (events: string) => {
  events: string;
  /** True if all later events can pass unchanged. */ isDone?: boolean;
};

/** Wraps `fetch` so that server-sent events are rewritten before the vendor's client reads them. */
export function rewritingEvents(send: typeof fetch, rewriteOf: () => Rewrite): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    const { body, status, headers } = response;
    const isStream = headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    if (!body || !response.ok || !isStream) return response;
    return new Response(rewritten(body, rewriteOf()), { status, headers });
  };
}

/** The parsed JSON of one event, or undefined for comments and invalid JSON. */
export function dataOf(event: string): unknown {
  const lines = event.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  try {
    return lines.length === 0 ? undefined : JSON.parse(lines.map((line) => line.slice(5)).join('\n'));
  } catch {
    return undefined;
  }
}

export function splitEvents(events: string): string[] {
  return events.split(/(?<=\n\r?\n)/);
}

function rewritten(body: ReadableStream<Uint8Array>, rewrite: Rewrite): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  /** The beginning of an event, in pieces: joining them each time would take long for a large one. */
  let pending: string[] = [];
  let tail = '';
  let isDone = false;
  /** The decoder holds no first bytes of a character. */
  let isPlain = false;

  function next(text: string, isLast: boolean): string {
    if (isDone) return text;
    const end = isLast ? text.length : endOfEvents(tail + text) - tail.length;
    if (end <= 0 && !isLast) {
      pending.push(text);
      tail = `${tail}${text}`.slice(-2);
      return '';
    }
    const result = rewrite(pending.join('') + text.slice(0, end));
    isDone = result.isDone === true;
    const rest = text.slice(end);
    pending = [rest];
    tail = rest.slice(-2);
    return isDone ? result.events + rest : result.events;
  }

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const { value } = await reader.read();
        if (value && isDone && isPlain) return controller.enqueue(value);
        const text = next(decoder.decode(value, { stream: value !== undefined }), value === undefined);
        isPlain = (value?.at(-1) ?? 0) < 0x80;
        if (text !== '') controller.enqueue(encoder.encode(text));
        if (!value) return controller.close();
        if (text !== '') return;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** The end of the last complete event, or 0. */
function endOfEvents(text: string): number {
  const end = Math.max(text.lastIndexOf('\n\n') + 2, text.lastIndexOf('\n\r\n') + 3);
  return end > 2 ? end : 0;
}
