import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import type {
  AgentConfig,
  AnsweringAgent,
  AppSettings,
} from '../../src/modules/admin-config/config-schemas.js';
import type { TestApp } from './app.js';
import { eventually } from './chat-app.js';

export const PROVIDERS = ['google', 'openai', 'anthropic'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Sets fields of an agent's configuration, and waits until the server uses them. */
export async function configureAgent(
  { app, database }: TestApp,
  provider: Provider,
  fields: Partial<AgentConfig>,
  agent: AnsweringAgent = 'chat',
): Promise<void> {
  await database.query(
    `update admin_config set config_data = config_data || $2::jsonb where config_key = $1`,
    [`${agent}_agent_${provider}`, JSON.stringify(fields)],
  );
  await eventually(async () => {
    const { agents } = await app.get(AdminConfigService).current();
    return isUsed(fields, agents[agent][provider]);
  });
}

/** Sets fields of the settings of the application, and waits until the server uses them. */
export async function configureSettings(
  { app, database }: TestApp,
  fields: Partial<AppSettings>,
): Promise<void> {
  await database.query(
    `update admin_config set config_data = config_data || $1::jsonb where config_key = 'app_settings'`,
    [JSON.stringify(fields)],
  );
  await eventually(async () => {
    const { settings } = await app.get(AdminConfigService).current();
    return isUsed(fields, settings);
  });
}

function isUsed(fields: object, now: object | undefined): boolean {
  const found = Object.fromEntries(
    Object.keys(fields).map((name) => [name, (now as Record<string, unknown> | undefined)?.[name]]),
  );
  return JSON.stringify(sorted(found)) === JSON.stringify(sorted(fields));
}

/** PostgreSQL orders the properties of an object in its own way. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(entries.sort(([left], [right]) => left.localeCompare(right)));
}
