/** An error of the API: a problem document (RFC 9457). */
export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
}

export class ApiError extends Error {
  override name = 'ApiError';
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

export function parseProblem(text: string): Problem | undefined {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.code === 'string' && typeof value.detail === 'string'
      ? (value as Problem)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Where people find what the API's own sentence names as a header. */
const CURES: Readonly<Record<string, string>> = {
  api_key_missing: 'The server has no key for this model. Add a key of your own under Settings.',
  github_token_missing: 'The GitHub agent needs your token. Add it under Settings.',
};

/** A sentence for a person. `useChat` has the text of the response, a problem document, as the message of its error. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return 'Something went wrong.';
  const problem = error instanceof ApiError ? error.problem : parseProblem(error.message);
  if (!problem) return error.message === 'Failed to fetch' ? 'The server cannot be reached.' : error.message;
  return CURES[problem.code] ?? (problem.detail || problem.title);
}
