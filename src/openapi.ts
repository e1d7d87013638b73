import 'reflect-metadata';
import { readFileSync, writeFileSync } from 'node:fs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { loadConfig } from './config/app-config.js';
import { createOpenApiDocument } from './docs.js';
import { VENDORS } from './modules/models/vendors/vendors.js';

/** Writes `openapi.json` from the code. With `--check`, fails if the committed file is different. */
const FILE = 'openapi.json';

const config = loadConfig(
  { DATABASE_URL: 'postgres://unused@localhost/unused', SUPABASE_URL: 'http://localhost' },
  VENDORS,
);
// Preview mode knows every route and does not connect to anything.
const app = await NestFactory.create<NestFastifyApplication>(AppModule.with(config), new FastifyAdapter(), {
  preview: true,
  logger: false,
});
const text = `${JSON.stringify(createOpenApiDocument(app), null, 2)}\n`;
if (!process.argv.includes('--check')) {
  writeFileSync(FILE, text);
} else if (readFileSync(FILE, 'utf8') !== text) {
  process.stderr.write(`${FILE} is stale: run "npm run openapi" and commit it.\n`);
  process.exit(1);
}
