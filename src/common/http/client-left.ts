import type { FastifyReply } from 'fastify';

/**
 * Aborts when the client does not wait for a response any more: it has the response, its connection is closed, or it has
 * closed its sending side. A browser that cancels a request closes both sides, and only the sending side is seen at once.
 */
export function clientLeft({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const { socket } = raw;
  const leave = () => {
    raw.off('close', leave);
    socket?.off('end', leave);
    controller.abort();
  };
  if (raw.destroyed || socket?.readableEnded) controller.abort();
  else {
    raw.on('close', leave);
    socket?.on('end', leave);
  }
  return controller.signal;
}
