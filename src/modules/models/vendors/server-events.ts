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
          // Do not switch in the middle of a character, because the decoder holds its first bytes.
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

/** The end of the last complete event. Only searches the new text. */
function endOfEvents(text: string, known: number): number {
  const fresh = text.slice(Math.max(0, known - 3));
  const end = Math.max(fresh.lastIndexOf('\n\n') + 2, fresh.lastIndexOf('\n\r\n') + 3);
  return end > 2 ? text.length - fresh.length + end : 0;
}
