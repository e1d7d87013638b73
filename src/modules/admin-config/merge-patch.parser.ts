import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyInstance } from 'fastify';
import { unsupportedMediaType } from '../../common/errors/app-error.js';

const PATHS = /^\/api\/admin\/config\/[^/?]+(?:\?|$)/;

/** Lets `PATCH /api/admin/config/:key` take its own media type beside `application/json`; no other route does. */
@Injectable()
export class MergePatchParser implements OnModuleInit {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance<FastifyInstance>();
    // As everywhere: the check of hostile input refuses such names, with their paths.
    const parseJson = fastify.getDefaultJsonParser('ignore', 'ignore');
    fastify.addContentTypeParser<string>(
      'application/merge-patch+json',
      { parseAs: 'string' },
      (request, body, done) => {
        if (request.method === 'PATCH' && PATHS.test(request.url)) void parseJson(request, body, done);
        else done(unsupportedMediaType());
      },
    );
  }
}
