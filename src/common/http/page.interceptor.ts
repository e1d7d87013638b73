import { setImmediate as nextTurn } from 'node:timers/promises';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { concatMap, type Observable, of } from 'rxjs';
import { type Page, reportSkipped } from './paging.js';
import { idOf, toJson } from './safe-json.js';

/** How long a page is written in one go before other work can run, in milliseconds. */
const TIME_SLICE = 10;

/**
 * Writes the pages of lists as JSON, item by item. An item that cannot be written (JSON nested too deeply for the
 * stack) only affects itself, and a large page does not block other requests.
 */
@Injectable()
export class PageInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      concatMap((body: unknown) => {
        if (!isPage(body)) return of(body);
        context.switchToHttp().getResponse<FastifyReply>().type('application/json; charset=utf-8');
        return writePage(body);
      }),
    );
  }
}

async function writePage({ items, nextCursor, ...more }: Page<unknown>): Promise<string> {
  const texts: string[] = [];
  const bad: string[] = [];
  let since = performance.now();
  for (const item of items) {
    const text = toJson(item);
    if (text === undefined) bad.push(idOf(item));
    else texts.push(text);
    if (performance.now() - since < TIME_SLICE) continue;
    await nextTurn();
    since = performance.now();
  }
  reportSkipped(bad);
  const rest = JSON.stringify({ nextCursor, ...more }).slice(1);
  return `{"items":[${texts.join(',')}],${rest}`;
}

function isPage(body: unknown): body is Page<unknown> {
  return (
    typeof body === 'object' &&
    body !== null &&
    'nextCursor' in body &&
    'items' in body &&
    Array.isArray(body.items)
  );
}
