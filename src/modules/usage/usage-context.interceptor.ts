import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Observable } from 'rxjs';
import type { Identity } from '../../common/auth/identity.js';
import { usageContext } from './usage-context.js';

/**
 * Opens the usage context on every route that can reach an agent. Work that outlives the response keeps the context
 * it was started in, so calls made then are accounted as well.
 */
@Injectable()
export class UsageContextInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user: Identity }>();
    const usage = {
      userId: request.user.id,
      requestId: request.id,
      agentType: 'chat',
      purpose: 'answer',
    } as const;
    return new Observable((subscriber) => usageContext.run(usage, () => next.handle().subscribe(subscriber)));
  }
}
