import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { migrationOptions } from './src/common/database/migrate.js';

/** For TypeORM's own command line, on `DATABASE_URL`. The `db:*` scripts also take a lock and verify. */
export default new DataSource(migrationOptions(process.env['DATABASE_URL'] ?? ''));
