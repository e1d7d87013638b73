import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from '../../common/errors/problem.js';
import { toLegacyError } from './legacy-problem.js';

/** The routes of the old chatbot, with the names that its errors use for them. */
const SURFACES: Record<string, string> = {
  '/api/history': 'chat',
  '/api/vote': 'vote',
  '/api/document': 'document',
  '/api/suggestions': 'suggestions',
  '/api/messages': 'chat',
  '/api/files/upload': 'api',
};

/**
 * Gives errors their old form, on the old routes and for requests of the old frontend. It converts the response just
 * before it is sent, so errors of guards, of the throttle and of services look the same.
 */
@Injectable()
export class LegacyErrors {
  private readonly asked = new WeakSet<FastifyRequest>();

  constructor(host: HttpAdapterHost) {
    // A hook only applies to routes that are registered later. Nest registers its routes after all providers are
    // created.
    host.httpAdapter
      .getInstance<FastifyInstance>()
      .addHook('onSend', (request, reply, payload, done) =>
        done(null, this.translate(request, reply, payload)),
      );
  }

  /** Marks a request whose body has the old frontend's format. */
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
      // Some requests are refused before their body is read. The format of their body is then unknown.
      const isOld = request.method === 'DELETE' || this.asked.has(request) || request.body === undefined;
      return isOld ? 'chat' : undefined;
    }
    return SURFACES[path];
  }
}
