import { Injectable, Logger } from '@nestjs/common';
import { Notifications } from '../../common/database/notifications.js';
import { AdminConfigRepository } from './admin-config.repository.js';
import { type RuntimeConfig, toRuntimeConfig } from './runtime-config.js';

/** How long a snapshot is used if no NOTIFY arrives. After that, it is reloaded in the background. */
const LIFETIME = 5_000;

interface Snapshot {
  config: RuntimeConfig;
  readAt: number;
}

/** The current configuration. A change clears the cache of every instance by NOTIFY. */
@Injectable()
export class AdminConfigService {
  private readonly logger = new Logger(AdminConfigService.name);
  private snapshot?: Snapshot;
  private pending?: Promise<RuntimeConfig>;

  constructor(
    private readonly repository: AdminConfigRepository,
    notifications: Notifications,
  ) {
    notifications.on('switchboard_config', () => this.forget());
  }

  /** The next request reads the rows again. Other instances learn of a change by its NOTIFY. */
  forget(): void {
    this.snapshot = undefined;
    this.pending = undefined;
  }

  async current(): Promise<RuntimeConfig> {
    const { snapshot } = this;
    if (!snapshot) return this.load();
    if (performance.now() - snapshot.readAt > LIFETIME) {
      this.load().catch((error: unknown) =>
        this.logger.warn(
          { err: error },
          'The configuration could not be reloaded. The known configuration stays in use.',
        ),
      );
    }
    return snapshot.config;
  }

  private load(): Promise<RuntimeConfig> {
    if (this.pending) return this.pending;
    const pending = this.read().then((config) => {
      // If a change arrived while the rows were being read, `pending` was replaced and the result is outdated.
      if (this.pending === pending) this.snapshot = { config, readAt: performance.now() };
      return config;
    });
    this.pending = pending;
    void pending
      .finally(() => {
        if (this.pending === pending) this.pending = undefined;
      })
      .catch(() => undefined);
    return pending;
  }

  private async read(): Promise<RuntimeConfig> {
    const rows = await this.repository.findAll();
    return toRuntimeConfig(rows, (key, reason) =>
      this.logger.error({ key, reason }, 'A row of admin_config does not match its schema and is ignored.'),
    );
  }
}
