import { existsSync } from 'node:fs';

/**
 * Adds the variables of `.env` in the working directory to the environment. Variables that are already set take
 * precedence.
 */
export function loadEnvFile(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}
