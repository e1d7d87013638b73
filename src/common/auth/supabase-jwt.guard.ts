import { type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { AuthGuard } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { AppError, unauthenticated } from '../errors/app-error.js';
import { RequestThrottle } from '../http/request-throttle.js';
import { PUBLIC_ROUTE } from './decorators.js';

/** The global guard: every route that is not `@Public()` needs a valid access token of an active user. */
@Injectable()
export class SupabaseJwtGuard extends AuthGuard('supabase-jwt') {
  constructor(
    private readonly reflector: Reflector,
    private readonly throttle: RequestThrottle,
  ) {
    super();
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const open = this.reflector.getAllAndOverride<boolean>(PUBLIC_ROUTE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (open) return true;
    try {
      return (await super.canActivate(context)) as boolean;
    } catch (error) {
      // The throttler's own guard runs after this one and counts by user. Requests without a valid token are counted
      // here.
      await this.throttle.countRefused(context.switchToHttp().getRequest<FastifyRequest>());
      throw error;
    }
  }

  override handleRequest<TUser>(error: unknown, user: TUser | false, info: unknown): TUser {
    if (error instanceof Error) throw error;
    if (user) return user;
    throw refusal(info);
  }
}

/**
 * jsonwebtoken's own errors, and the errors it throws for malformed tokens, such as a null payload or incomplete JSON.
 */
const MALFORMED = new Set(['JsonWebTokenError', 'TypeError', 'SyntaxError']);

function refusal(info: unknown): AppError {
  if (info instanceof AppError) return info;
  const { name, message } = info instanceof Error ? info : { name: '', message: '' };
  if (name === 'TokenExpiredError') return unauthenticated('The access token has expired.');
  if (name === 'NotBeforeError') return unauthenticated('The access token is not valid yet.');
  if (/audience/.test(message)) return unauthenticated('The access token has a different audience.');
  if (/issuer/.test(message)) return unauthenticated('The access token has a different issuer.');
  if (/signature/.test(message)) return unauthenticated('The signature of the access token is not valid.');
  if (MALFORMED.has(name)) return unauthenticated('The access token is malformed.');
  return unauthenticated('Send a Supabase access token in the Authorization header: Bearer <token>.');
}
