import { findMisspelt } from './spelling.js';

/** Names that other programs and earlier setups use for what this server reads under its own name. */
const FOREIGN_NAMES: Readonly<Record<string, string>> = {
  ANTHROPIC_TOKEN: 'ANTHROPIC_API_KEY',
  ALLOWED_ORIGINS: 'CORS_ORIGINS',
  CLAUDE_API_KEY: 'ANTHROPIC_API_KEY',
  DATABASE_URL_UNPOOLED: 'DIRECT_URL',
  GEMINI_API_KEY: 'GOOGLE_GENERATIVE_AI_API_KEY',
  GOOGLE_AI_API_KEY: 'GOOGLE_GENERATIVE_AI_API_KEY',
  GOOGLE_API_KEY: 'GOOGLE_GENERATIVE_AI_API_KEY',
  JWT_SECRET: 'SUPABASE_JWT_SECRET',
  NEXT_PUBLIC_SUPABASE_URL: 'SUPABASE_URL',
  OPENAI_TOKEN: 'OPENAI_API_KEY',
  POSTGRES_PRISMA_URL: 'DATABASE_URL',
  POSTGRES_URL: 'DATABASE_URL',
  POSTGRES_URL_NON_POOLING: 'DIRECT_URL',
  SUPABASE_DB_URL: 'DATABASE_URL',
  SUPABASE_SECRET: 'SUPABASE_SECRET_KEY',
  SUPABASE_SERVICE_KEY: 'SUPABASE_SECRET_KEY',
  VITE_SUPABASE_URL: 'SUPABASE_URL',
};

/** Variables of earlier setups that have no counterpart here, and what takes their place. */
const OBSOLETE_NAMES: Readonly<Record<string, string>> = {
  AI_GATEWAY_API_KEY: 'Set the keys of the vendors instead, such as OPENAI_API_KEY.',
  AUTH_SECRET: 'Supabase Auth signs the tokens. Set SUPABASE_URL or SUPABASE_JWT_SECRET.',
  BLOB_READ_WRITE_TOKEN: 'Files are in Supabase Storage. Set SUPABASE_URL and SUPABASE_SECRET_KEY.',
  NEXTAUTH_SECRET: 'Supabase Auth signs the tokens. Set SUPABASE_URL or SUPABASE_JWT_SECRET.',
};

/**
 * One line for each variable that looks as if it was meant for this server but is not read. They are warnings: the
 * variables may belong to other programs.
 *
 * @param known the names of all variables that the server reads
 */
export function describeUnknownVariables(
  source: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): string[] {
  const isSet = (name: string) => Boolean(source[name]?.trim());
  return Object.keys(source)
    .filter((name) => isSet(name) && !known.includes(name))
    .toSorted()
    .flatMap((name) => {
      const obsolete = OBSOLETE_NAMES[name];
      if (obsolete !== undefined) return [`${name} is not read. ${obsolete}`];
      const meant = FOREIGN_NAMES[name] ?? findMeant(name, known);
      // A variable that is set as well shows that the other one is for another program.
      if (meant === undefined || isSet(meant)) return [];
      return [`${name} is not read: did you mean ${meant}?`];
    });
}

/** The known name that `name` misspells or abbreviates. */
function findMeant(name: string, known: readonly string[]): string | undefined {
  return (
    findMisspelt(name, known) ??
    known
      .filter((candidate) => isAbbreviation(name.split('_'), candidate.split('_')))
      .toSorted((a, b) => a.length - b.length)[0]
  );
}

/** Whether words in the middle were left out, as in `OPENAI_KEY`. */
function isAbbreviation(words: string[], full: string[]): boolean {
  if (words.length < 2 || words.length >= full.length) return false;
  if (words[0] !== full[0] || words.at(-1) !== full.at(-1)) return false;
  return words.every((word) => full.includes(word));
}
