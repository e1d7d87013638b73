import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Identity, Role } from './identity.js';

export const PUBLIC_ROUTE = 'switchboard:public';
export const REQUIRED_ROLE = 'switchboard:role';

/** Makes a route public. Without it, a route requires a Supabase access token. */
export const Public = () => SetMetadata(PUBLIC_ROUTE, true);

/** Restricts a route or a controller to users with this role (403 for others). */
export const Roles = (role: Role) => applyDecorators(SetMetadata(REQUIRED_ROLE, role));

/** The {@link Identity} of the request. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<FastifyRequest & { user: Identity }>().user,
);
