import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { ConfigurationError } from './environment.js';

/**
 * Adds the variables of `.env` in the working directory to the environment. Variables that are already set take
 * precedence.
 *
 * @throws ConfigurationError if the file cannot be read
 */
export function loadEnvFile(): void {
  if (!existsSync('.env')) return;
  for (const [name, value] of Object.entries(parseEnv(read('.env')))) process.env[name] ??= value;
}

/** Editors on Windows begin a file with a byte order mark, or write UTF-16. */
function read(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new ConfigurationError(`The file ${path} cannot be read: ${(error as Error).message}`);
  }
  return new TextDecoder(encodingOf(bytes)).decode(bytes);
}

function encodingOf([first, second]: Buffer): string {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  return 'utf-8';
}
