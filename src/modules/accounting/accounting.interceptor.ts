import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Observable } from 'rxjs';
import type { Identity } from '../../common/auth/identity.js';
import { runContext } from './run-context.js';

/**
 * Says on every route that can reach a model who asks. Work that outlives the response keeps the context it was started in,
 * so calls made then are accounted as well.
 */
@Injectable()
export class AccountingInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user: Identity }>();
    const asker = { userId: request.user.id, requestId: request.id };
    return new Observable((subscriber) =>
      runContext.run({ asker }, () => next.handle().subscribe(subscriber)),
    );
  }
}
