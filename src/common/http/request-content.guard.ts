import { type CanActivate, type ExecutionContext, Inject, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { validationFailed } from '../errors/app-error.js';
import { findHostileInput } from './hostile-input.js';
import { type BodyLimits, readJsonBody } from './json-body.js';
import type { LastItem } from './list-skimmer.js';

/** Enough for every body except messages, documents and configurations. */
const SMALL_BODY = 64 * 1024;
const FEW_ITEMS = 1_000;
const JSON_TYPE = ['application/json'];

const BODY_RULES = 'switchboard:body-rules';

interface BodyRules {
  /** Allows a body as large as `BODY_LIMIT` instead of 64 KB. */
  large?: boolean;
  /** The maximum number of keys and items. The default is 1,000. */
  items?: number;
  /** The default is `application/json`. */
  mediaTypes?: string[];
  /** Reads only one item of a list in the body, and `null` instead of the others. */
  lastItem?: LastItem;
  /** Leaves the body to the handler, which bounds it. */
  unread?: boolean;
}

/** Declares the body that a route accepts, if it is more than a small JSON body. */
export const AcceptBody = (rules: BodyRules) => SetMetadata(BODY_RULES, rules);

const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH']);

/**
 * The last global guard. It reads the body and refuses input that handlers should not have to check for. It is a guard
 * because of the order: the guards before it decide from the headers alone, and Fastify itself reads no body (see
 * `deferBodies`).
 */
@Injectable()
export class RequestContentGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    @Inject(APP_CONFIG) private readonly config: AppConfig,
  ) {}

  canActivate(context: ExecutionContext): boolean | Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    refuseHostile('query.', request.query);
    refuseHostile('params.', request.params);
    if (!BODY_METHODS.has(request.method) || this.rulesOf(context)?.unread) return true;
    return this.readBody(request, context);
  }

  private async readBody(request: FastifyRequest, context: ExecutionContext): Promise<boolean> {
    request.body = await readJsonBody(request, this.limitsOf(context));
    refuseHostile('', request.body);
    return true;
  }

  private rulesOf(context: ExecutionContext): BodyRules | undefined {
    return this.reflector.getAllAndOverride<BodyRules | undefined>(BODY_RULES, [
      context.getHandler(),
      context.getClass(),
    ]);
  }

  private limitsOf(context: ExecutionContext): BodyLimits {
    const rules = this.rulesOf(context);
    const { bodyLimit, requestTimeout } = this.config.server;
    return {
      bytes: rules?.large ? bodyLimit : Math.min(SMALL_BODY, bodyLimit),
      items: rules?.items ?? FEW_ITEMS,
      lastItem: rules?.lastItem,
      timeout: requestTimeout,
      mediaTypes: rules?.mediaTypes ?? JSON_TYPE,
    };
  }
}

function refuseHostile(prefix: string, value: unknown): void {
  const problem = findHostileInput(value);
  if (problem) throw validationFailed([{ ...problem, path: `${prefix}${problem.path}` }]);
}
