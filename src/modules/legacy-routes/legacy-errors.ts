import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../common/errors/problem.js';
import { toLegacyError } from './legacy-problem.js';

/** The routes of the old chatbot, and the word that its errors have for them. */
const SURFACES: Record<string, string> = {
  '/api/history': 'chat',
  '/api/vote': 'vote',
  '/api/document': 'document',
  '/api/suggestions': 'suggestions',
  '/api/messages': 'chat',
  '/api/files/upload': 'api',
};

/**
 * Gives errors their old form, on the old routes and where the old frontend has asked. It works on what is about to be sent:
 * an error of a guard, of the throttle or of a service looks the same there.
 */
@Injectable()
export class LegacyErrors {
  private readonly asked = new WeakSet<FastifyRequest>();

  constructor(host: HttpAdapterHost) {
    // A hook is for routes that are made after it: Nest makes its own after all providers.
    host.httpAdapter
      .getInstance<FastifyInstance>()
      .addHook('onSend', (request, reply, payload, done) =>
        done(null, this.translate(request, reply, payload)),
      );
  }

  /** Says that the body of a request is the old frontend's. */
  expectedBy(request: FastifyRequest): void {
    this.asked.add(request);
  }

  private translate(request: FastifyRequest, reply: FastifyReply, payload: unknown): unknown {
    const isProblem = String(reply.getHeader('content-type') ?? '').startsWith('application/problem+json');
    const surface = this.surfaceOf(request);
    if (!isProblem || surface === undefined || typeof payload !== 'string') return payload;
    const { status, body } = toLegacyError(JSON.parse(payload) as Problem, surface);
    void reply.status(status).header('content-type', 'application/json; charset=utf-8');
    reply.removeHeader('content-length');
    return JSON.stringify(surface === 'api' ? { ...body, error: body.cause } : body);
  }

  private surfaceOf(request: FastifyRequest): string | undefined {
    const path = request.url.split('?', 1)[0] ?? '';
    if (path === '/api/chat') {
      // Who may not send anything is refused before the body is read: then nobody knows whose it is.
      const isOld = request.method === 'DELETE' || this.asked.has(request) || request.body === undefined;
      return isOld ? 'chat' : undefined;
    }
    return SURFACES[path];
  }
}
