import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { forbidden } from '../errors/app-error.js';
import { REQUIRED_ROLE } from './decorators.js';
import type { Identity, Role } from './identity.js';

/** Enforces `@Roles()`, with the role from the user's row. */
@Injectable()
export class RolesGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    const required = this.reflector.getAllAndOverride<Role | undefined>(REQUIRED_ROLE, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (required === undefined) return true;
    const { user } = context.switchToHttp().getRequest<FastifyRequest & { user?: Identity }>();
    if (user?.role !== required) throw forbidden('Only administrators can do this.');
    return true;
  }
}
