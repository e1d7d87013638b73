import { type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  getOptionsToken,
  getStorageToken,
  ThrottlerGuard,
  type ThrottlerLimitDetail,
  type ThrottlerModuleOptions,
  type ThrottlerStorage,
} from '@nestjs/throttler';
import type { FastifyRequest } from 'fastify';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import type { Identity } from '../auth/identity.js';
import { rateLimited } from '../errors/app-error.js';
import { clientAddressOf } from './client-address.js';

/** Requests are counted in windows of one minute. */
export const THROTTLE_WINDOW = 60_000;

const UNTHROTTLED = 'switchboard:unthrottled';

/** Exempts probes: an orchestrator that is refused would assume that the server is down. */
export const Unthrottled = () => SetMetadata(UNTHROTTLED, true);

type ThrottledRequest = FastifyRequest & { user?: Identity };

/**
 * Counts requests by address that never reach the guard below: without a valid token, to an unknown route, or
 * malformed.
 */
@Injectable()
export class RequestThrottle {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig,
    @Inject(getStorageToken()) private readonly storage: ThrottlerStorage,
  ) {}

  /** @throws AppError 429 if the address has used up its requests */
  async countRefused(request: FastifyRequest): Promise<void> {
    await this.countAddress(clientAddressOf(request));
  }

  /** @param address as returned by {@link networkOf} @throws AppError 429 if the address has used up its requests */
  async countAddress(address: string): Promise<void> {
    const limit = this.config.server.throttleLimit;
    if (limit === 0) return;
    const tracker = trackerOf('anonymous', address);
    const record = await this.storage.increment(tracker, THROTTLE_WINDOW, limit, 0, 'default');
    if (record.isBlocked) throw tooMany(record.timeToExpire);
  }
}

/** The global guard that limits requests per user and address. It runs after authentication. */
@Injectable()
export class RequestThrottleGuard extends ThrottlerGuard {
  constructor(
    @Inject(getOptionsToken()) options: ThrottlerModuleOptions,
    @Inject(getStorageToken()) storage: ThrottlerStorage,
    reflector: Reflector,
    @Inject(APP_CONFIG) private readonly config: AppConfig,
  ) {
    super(options, storage, reflector);
  }

  protected override shouldSkip(context: ExecutionContext): Promise<boolean> {
    const exempt = this.reflector.getAllAndOverride<boolean>(UNTHROTTLED, [
      context.getHandler(),
      context.getClass(),
    ]);
    return Promise.resolve(this.config.server.throttleLimit === 0 || Boolean(exempt));
  }

  protected override getTracker(request: Record<string, unknown>): Promise<string> {
    const { user, ip, socket } = request as unknown as ThrottledRequest;
    return Promise.resolve(trackerOf(user?.id ?? 'anonymous', clientAddressOf({ ip, socket })));
  }

  /** All routes share one budget, so the key is only the tracker. */
  protected override generateKey(_context: ExecutionContext, tracker: string): string {
    return tracker;
  }

  protected override throwThrottlingException(
    _context: ExecutionContext,
    detail: ThrottlerLimitDetail,
  ): Promise<void> {
    throw tooMany(detail.timeToBlockExpire || detail.timeToExpire);
  }
}

function trackerOf(user: string, address: string): string {
  return `${user}|${address}`;
}

function tooMany(retryAfterSeconds: number) {
  return rateLimited('Too many requests in the last minute.', retryAfterSeconds);
}
