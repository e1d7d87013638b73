import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';

/** Running requests are answered before their connections are closed, but the server waits no longer than this. */
const DRAIN_TIMEOUT = 5_000;

/**
 * Answers requests with `Expect` like all others. Node would send "100 Continue" to every client immediately, and would
 * refuse other expectations without a problem document. Here the server sends it when it starts to read the body, which
 * is after the guards.
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
 * A client that closes its sending side after its request still reads the answer. By default, Node would end the answer
 * too. Node has this switch for servers, but no types for it.
 */
function answerHalfClosed(server: Server): void {
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
}

/**
 * Closes the server when its running requests are done. Running answers have ended by then, but a slow reader may have
 * the rest of one left, and a request may be waiting for the database. Idle keep-alive connections are closed
 * immediately.
 */
export class DrainingAdapter extends FastifyAdapter {
  private readonly responses = new Set<ServerResponse>();
  private drained?: () => void;

  override initHttpServer(options?: Parameters<FastifyAdapter['initHttpServer']>[0]): void {
    super.initHttpServer(options);
    const server = this.getHttpServer<Server>();
    answerExpectations(server);
    answerHalfClosed(server);
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
