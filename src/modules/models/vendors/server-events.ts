/** What is made of events on their way: whole ones, with the blank lines behind them. */
export type Rewrite = (events: string) => {
  events: string;
  /** The rest may stay as it is. */ isDone?: boolean;
};

/** Rewrites the server-sent events of answers before the vendor's client reads them. */
export function rewritingEvents(send: typeof fetch, rewriteOf: () => Rewrite): typeof fetch {
  return async (input, init) => {
    const response = await send(input, init);
    const { body, status, headers } = response;
    const isStream = headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    if (!body || !response.ok || !isStream) return response;
    return new Response(rewritten(body, rewriteOf()), { status, headers });
  };
}

/** The JSON of one event; undefined for comments, and for what is not JSON. */
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
  let pending = '';
  let isDone = false;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      for (;;) {
        const { value } = await reader.read();
        if (value && isDone) return controller.enqueue(value);
        const known = pending.length;
        pending += decoder.decode(value, { stream: value !== undefined });
        const end = value ? endOfEvents(pending, known) : pending.length;
        if (end > 0) {
          const result = rewrite(pending.slice(0, end));
          pending = pending.slice(end);
          // Not in the middle of a character: the decoder has its first bytes.
          isDone = result.isDone === true && value !== undefined && (value.at(-1) ?? 0) < 0x80;
          const text = isDone ? result.events + pending : result.events;
          if (isDone) pending = '';
          if (text !== '') controller.enqueue(encoder.encode(text));
        }
        if (!value) return controller.close();
        if (end > 0) return;
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** Where the last whole event ends; looks at what has not been looked at before. */
function endOfEvents(text: string, known: number): number {
  const fresh = text.slice(Math.max(0, known - 3));
  const end = Math.max(fresh.lastIndexOf('\n\n') + 2, fresh.lastIndexOf('\n\r\n') + 3);
  return end > 2 ? text.length - fresh.length + end : 0;
}
