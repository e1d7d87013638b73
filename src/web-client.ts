import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RequestThrottle } from './common/http/request-throttle.js';
import type { AppConfig, WebConfig } from './config/app-config.js';
import { ConfigurationError } from './config/environment.js';

/** `npm run build` and `npm start` build `examples/web` into this folder, next to the server. */
const FOLDER = join(import.meta.dirname, '../web');

/** A year: the names of these files change with their content. */
const FOREVER = 'public, max-age=31536000, immutable';

/**
 * Serves the web client at `/`, with the settings that it reads at `/web-config.json`.
 *
 * @param folder of the built client
 * @returns whether the client is served
 * @throws ConfigurationError if it must be served but is not built
 */
export async function setupWebClient(
  app: NestFastifyApplication,
  { web, supabase }: Pick<AppConfig, 'web' | 'supabase'>,
  folder = FOLDER,
): Promise<boolean> {
  if (!web) return false;
  if (!existsSync(join(folder, 'index.html'))) {
    if (!web.isRequired) return false;
    throw new ConfigurationError('WEB is true, but the web client is not built. Run npm run build');
  }
  const policy = contentSecurityPolicy(supabase.url);
  await app.register(async (scope: FastifyInstance) => {
    // No guard protects these routes.
    scope.addHook('onRequest', (request) => app.get(RequestThrottle).countRefused(request));
    scope.get('/web-config.json', async (_request, reply) =>
      reply.header('cache-control', 'no-cache').send(settingsOf(web)),
    );
    await scope.register(fastifyStatic, {
      root: folder,
      // Each file has a route of its own. Any other path is unknown to the server, as before.
      wildcard: false,
      decorateReply: false,
      cacheControl: false,
      preCompressed: true,
      setHeaders: (reply: FastifyReply, path: string) => {
        const isHashed = path.startsWith(join(folder, 'assets'));
        void reply.header('cache-control', isHashed ? FOREVER : 'no-cache');
        if (path.includes('.html')) void reply.header('content-security-policy', policy);
      },
    });
  });
  return true;
}

/** What browsers need to know. None of it is a secret. */
function settingsOf({ publishableKey, supabaseUrl }: WebConfig): object {
  return { publishableKey, ...(supabaseUrl ? { supabaseUrl } : {}) };
}

/** The client loads nothing from elsewhere. Supabase may be on another origin, with files that users have uploaded. */
function contentSecurityPolicy(supabaseUrl: string | undefined): string {
  const supabase = supabaseUrl ? ` ${new URL(supabaseUrl).origin}` : '';
  return [
    "default-src 'self'",
    `connect-src 'self'${supabase}`,
    `img-src 'self' data: blob:${supabase}`,
    // The code editor and the charts set styles from scripts.
    "style-src 'self' 'unsafe-inline'",
    "script-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join(';');
}
