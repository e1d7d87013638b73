import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/** Requests under way are answered before their connections are closed, but nobody is waited for longer than this. */
const DRAIN_TIMEOUT = 5_000;

/**
 * Answers requests with `Expect` like all others. Node would send "100 Continue" to every client at once, and would refuse
 * other expectations without a problem document. Here the server sends it when it begins to read the body, which is after
 * the guards.
 */
function answerExpectations(server: Server): void {
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    request.once('resume', () => {
      if (!response.headersSent) response.writeContinue();
    });
    server.emit('request', request, response);
  });
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/**
 * Closes the server when what it has begun is done: running answers are at their end by then, but a reader that is
 * behind has the rest of one before it, and a request may be waiting for the database. Connections that clients keep
 * open for later are closed at once.
 */
export class DrainingAdapter extends FastifyAdapter {
  private readonly responses = new Set<ServerResponse>();
  private drained?: () => void;

  override initHttpServer(options?: Parameters<FastifyAdapter['initHttpServer']>[0]): void {
    super.initHttpServer(options);
    const server = this.getHttpServer<Server>();
    answerExpectations(server);
    server.prependListener('request', (_request, response: ServerResponse) => {
      this.responses.add(response);
      response.once('close', () => {
        this.responses.delete(response);
        if (this.responses.size === 0) this.drained?.();
      });
    });
  }

  override async close(): Promise<void> {
    await this.drain();
    await super.close();
  }

  private async drain(): Promise<void> {
    if (this.responses.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DRAIN_TIMEOUT);
      this.drained = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
