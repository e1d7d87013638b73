import { applyDecorators, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { Identity, Role } from './identity.js';

export const PUBLIC_ROUTE = 'switchboard:public';
export const REQUIRED_ROLE = 'switchboard:role';

/** Opens a route to everybody; without it a route needs a Supabase access token. */
export const Public = () => SetMetadata(PUBLIC_ROUTE, true);

/** Closes a route or a controller to users without this role (403). */
export const Roles = (role: Role) => applyDecorators(SetMetadata(REQUIRED_ROLE, role));

/** The {@link Identity} of the request. */
export const CurrentUser = createParamDecorator(
  (_: unknown, context: ExecutionContext) =>
    context.switchToHttp().getRequest<FastifyRequest & { user: Identity }>().user,
);
