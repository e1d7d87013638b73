import type { Problem } from '../../common/errors/problem.js';

/** An error in the format of the old chatbot's frontend: the code says the kind of the error and where it occurred. */
export interface LegacyError {
  code: string;
  message: string;
  cause: string;
}

type Kind = 'bad_request' | 'unauthorized' | 'forbidden' | 'not_found' | 'rate_limit' | 'offline';

const STATUS: Record<Kind, number> = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  rate_limit: 429,
  offline: 503,
};

const MESSAGE: Record<Kind, string> = {
  bad_request: 'The request could not be processed.',
  unauthorized: 'Sign in to continue.',
  forbidden: 'Your account may not do this.',
  not_found: 'This was not found.',
  rate_limit: 'A limit has been reached. Try again later.',
  offline: 'The server could not answer. Try again.',
};

/** Converts a problem document to the old format. The status is converted, too, because the old chatbot knew only a few. */
export function toLegacyError(
  { status, code, detail, errors }: Problem,
  surface: string,
): { status: number; body: LegacyError } {
  const kind = kindOf(status, code);
  const cause = [detail, ...(errors ?? []).map(({ path, message }) => `${path} ${message}`.trim())].join(' ');
  return {
    status: STATUS[kind],
    body: {
      // The old chatbot uses the API's code for every bad request.
      code: `${kind}:${kind === 'bad_request' ? 'api' : surface}`,
      message: MESSAGE[kind],
      cause,
    },
  };
}

function kindOf(status: number, code: Problem['code']): Kind {
  if (code === 'rate_limited' || code === 'budget_exceeded') return 'rate_limit';
  if (status === 401) return 'unauthorized';
  if (status === 403) return 'forbidden';
  if (status === 404) return 'not_found';
  return status >= 500 ? 'offline' : 'bad_request';
}
