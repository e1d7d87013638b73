import { createRequire } from 'node:module';

interface Bcrypt {
  hash(text: string, rounds: number): Promise<string>;
  compare(text: string, hash: string): Promise<boolean>;
}

const ROUNDS = 10;

/**
 * The same bcrypt as the auth library's, so that each verifies what the other has hashed. The overrides in package.json
 * replace it with a native version: the auth library's own, written in JavaScript, would block the event loop.
 */
async function bcrypt(): Promise<Bcrypt> {
  const require = createRequire(import.meta.resolve('@supabase/lite'));
  return (await import(require.resolve('bcryptjs'))) as Bcrypt;
}

export async function hashPassword(password: string): Promise<string> {
  return (await bcrypt()).hash(password, ROUNDS);
}

export async function comparePassword(password: string, hash: string): Promise<boolean> {
  return (await bcrypt()).compare(password, hash);
}
