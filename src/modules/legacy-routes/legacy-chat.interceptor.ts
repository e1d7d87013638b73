import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Observable } from 'rxjs';
import { ModelsService } from '../models/models.service.js';
import { userKeysOf } from '../models/user-keys.js';
import { isLegacyChatBody, translateChatBody } from './legacy-chat-body.js';
import { LegacyErrors } from './legacy-errors.js';

/** Makes `POST /api/chat` accept the body of the old frontend. */
@Injectable()
export class LegacyChatInterceptor implements NestInterceptor {
  constructor(
    private readonly models: ModelsService,
    private readonly errors: LegacyErrors,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const isChat = request.method === 'POST' && request.url.split('?', 1)[0] === '/api/chat';
    if (isChat && isLegacyChatBody(request.body)) {
      this.errors.expectedBy(request);
      const models = await this.models.list(userKeysOf(request));
      request.body = translateChatBody(
        request.body,
        models.map(({ id }) => id),
      );
    }
    return next.handle();
  }
}
