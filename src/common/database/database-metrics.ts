import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Pool } from 'pg';
import { Gauge } from 'prom-client';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { metricsRegistry } from '../observability/metrics.js';
import { unsentBytes } from './gathered-writes.js';

/** Tests run several applications in one process, but the metrics belong to the process. */
const pools = new Set<Pool>();

const sumOf = (figure: (pool: Pool) => number) => [...pools].reduce((sum, pool) => sum + figure(pool), 0);

new Gauge({
  name: 'switchboard_database_connections',
  help: 'Open connections to PostgreSQL, without the listening one.',
  labelNames: ['state'] as const,
  registers: [metricsRegistry],
  collect() {
    this.set(
      { state: 'busy' },
      sumOf((pool) => pool.totalCount - pool.idleCount),
    );
    this.set(
      { state: 'idle' },
      sumOf((pool) => pool.idleCount),
    );
  },
});

new Gauge({
  name: 'switchboard_database_connections_limit',
  help: 'The maximum number of connections (DATABASE_POOL_SIZE).',
  registers: [metricsRegistry],
  collect() {
    this.set(sumOf((pool) => pool.options.max));
  },
});

new Gauge({
  name: 'switchboard_database_connections_waiting',
  help: 'Transactions and statements that are waiting for a connection.',
  registers: [metricsRegistry],
  collect() {
    this.set(sumOf((pool) => pool.waitingCount));
  },
});

new Gauge({
  name: 'switchboard_database_unsent_bytes',
  help: 'Bytes of statements that are waiting to be written, or that PostgreSQL has not read yet.',
  registers: [metricsRegistry],
  collect() {
    this.set(unsentBytes());
  },
});

/** Exposes the application's connection pool in the metrics. Values are read on each scrape. */
@Injectable()
export class DatabaseMetrics implements OnModuleInit, OnApplicationShutdown {
  private pool?: Pool;

  constructor(private readonly dataSource: DataSource) {}

  onModuleInit(): void {
    this.pool = (this.dataSource.driver as PostgresDriver).master as Pool;
    pools.add(this.pool);
  }

  onApplicationShutdown(): void {
    if (this.pool) pools.delete(this.pool);
  }
}
