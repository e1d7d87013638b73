import { existsSync } from 'node:fs';

/** Adds the variables of `.env` in the working directory to the environment; what is set already stands. */
export function loadEnvFile(): void {
  if (existsSync('.env')) process.loadEnvFile('.env');
}
