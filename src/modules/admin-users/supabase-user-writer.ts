import { GoTrueAdminApi } from '@supabase/supabase-js';
import type { EntityManager } from 'typeorm';
import { type AppError, upstreamError, upstreamTimeout } from '../../common/errors/app-error.js';
import { type AdminUsersRepository, type ManagedUserRow } from './admin-users.repository.js';
import type { UserChanges, UserWriter } from './user-writer.js';

export interface SupabaseAdminOptions {
  /** The URL of the project, without `/auth/v1`. */
  url: string;
  secretKey: string;
  /** Time limit for one change, in milliseconds. */
  timeout: number;
}

/** The error of the client library. Its status is that of the response, or 0 or undefined if there was none. */
interface AuthFailure {
  status?: number;
}

type Ask = (admin: GoTrueAdminApi) => Promise<{ error: AuthFailure | null }>;

/**
 * Changes users through Supabase's Auth Admin API, with the secret key. The API commits separately. After a failure,
 * the row is read to see whether the change was made anyway: a lost response does not mean that nothing was done.
 */
export class SupabaseUserWriter implements UserWriter {
  readonly isTransactional = false;

  constructor(
    private readonly options: SupabaseAdminOptions,
    private readonly users: AdminUsersRepository,
  ) {}

  async update(manager: EntityManager, id: string, changes: UserChanges): Promise<void> {
    // The role guard copies `app_metadata`, which only this key can write, to the metadata that users can read.
    const { role, isActive } = changes;
    await this.change(
      manager,
      id,
      (admin) => admin.updateUserById(id, { app_metadata: { ...changes }, ...banOf(changes) }),
      (row) =>
        row !== undefined && (role ?? row.role) === row.role && (isActive ?? row.isActive) === row.isActive,
    );
  }

  async delete(manager: EntityManager, id: string): Promise<void> {
    await this.change(
      manager,
      id,
      (admin) => admin.deleteUser(id),
      (row) => row === undefined,
    );
  }

  private async change(
    manager: EntityManager,
    id: string,
    ask: Ask,
    hasHappened: (row: ManagedUserRow | undefined) => boolean,
  ): Promise<void> {
    const failure = await this.ask(ask);
    const row = failure
      ? await this.users.findSettled(manager, id).catch(() => {
          throw failure;
        })
      : await this.users.find(manager, id);
    if (hasHappened(row)) return;
    throw (
      failure ??
      upstreamError(
        'Supabase accepted the change, but the database does not show it. Check that SUPABASE_URL and DATABASE_URL belong to the same project.',
      )
    );
  }

  /** Sends the request once, because the client does not wait for a retry. */
  private async ask(ask: Ask): Promise<AppError | undefined> {
    const { url, secretKey, timeout } = this.options;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeout);
    const admin = new GoTrueAdminApi({
      url: `${url}/auth/v1`,
      headers: headersOf(secretKey),
      // The key is only sent to the configured server, even if a response redirects elsewhere.
      fetch: (input, init) => fetch(input, { ...init, redirect: 'error', signal: controller.signal }),
    });
    try {
      const { error } = await ask(admin);
      return error ? failureOf(error, controller.signal) : undefined;
    } catch (error) {
      return failureOf(error as AuthFailure, controller.signal);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * A deactivated user is also banned at the auth server: no sign-in, and no new token from an open session. Supabase has
 * no permanent ban, so this one lasts a hundred years.
 */
function banOf({ isActive }: UserChanges): { ban_duration?: string } {
  return isActive === undefined ? {} : { ban_duration: isActive ? 'none' : '876000h' };
}

/** The newer keys are not tokens. The older key is also a token. */
function headersOf(secretKey: string): Record<string, string> {
  return secretKey.startsWith('sb_')
    ? { apikey: secretKey }
    : { apikey: secretKey, authorization: `Bearer ${secretKey}` };
}

function failureOf(error: AuthFailure, signal: AbortSignal): AppError {
  if (signal.aborted) return upstreamTimeout('Supabase did not respond in time.', error);
  const { status } = error;
  if (!status) return upstreamError('Supabase cannot be reached, or sent an unexpected response.', error);
  if (status === 401 || status === 403)
    return upstreamError('Supabase refused the secret key of this server.', error);
  if (status === 404) {
    return upstreamError(
      'Supabase does not know this user. Check that SUPABASE_URL and DATABASE_URL belong to the same project.',
      error,
    );
  }
  if (status === 429) return upstreamError('Supabase is rate limiting requests. Try again later.', error);
  return status >= 500
    ? upstreamError(`Supabase failed (status ${status}).`, error)
    : upstreamError(`Supabase refused the change (status ${status}).`, error);
}
