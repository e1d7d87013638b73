import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';
import type { ConfigDto } from './dto/config.dto.js';

/** Sends the version as an entity tag for `If-Match`. */
@Injectable()
export class VersionTagInterceptor implements NestInterceptor<ConfigDto> {
  intercept(context: ExecutionContext, next: CallHandler<ConfigDto>): Observable<ConfigDto> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((config) => {
        void reply.header('etag', `"${config.version}"`);
        return config;
      }),
    );
  }
}
