/** A `fetch` with a connection that breaks on demand, with a browser's error. The next connection works. */
export function lossyLine(): { fetch: typeof fetch; drop: () => void; readonly requests: number } {
  let lose: ((reason: Error) => void) | undefined;
  let requests = 0;
  return {
    get requests() {
      return requests;
    },
    drop: () => lose?.(new TypeError('network error')),
    fetch: async (input, init) => {
      requests += 1;
      const loss = Promise.withResolvers<never>();
      loss.promise.catch(() => undefined);
      lose = loss.reject;
      const line = new AbortController();
      loss.promise.catch(() => line.abort());
      const signals = [line.signal, ...(init?.signal ? [init.signal] : [])];
      const response = await Promise.race([
        fetch(input, { ...init, signal: AbortSignal.any(signals) }),
        loss.promise,
      ]);
      const source = response.body?.getReader();
      const body = new ReadableStream<Uint8Array>({
        pull: async (controller) => {
          try {
            const next = await Promise.race([source?.read(), loss.promise]);
            if (!next || next.done) controller.close();
            else controller.enqueue(next.value);
          } catch (error) {
            controller.error(error);
          }
        },
      });
      return new Response(response.status === 204 ? null : body, response);
    },
  };
}
