import { type AuthAdminDouble, startAuthAdminDouble } from '../doubles/supabase/auth-admin-double.js';
import { startTestApp, type TestApp } from './app.js';
import { TEST_ISSUER } from './tokens.js';

export const SECRET_KEY = 'sb_secret_test-7d1f0a9c4e';

/** The application of a Supabase project with a double as its auth server. */
export async function startSupabaseApp(
  environment: Record<string, string> = {},
): Promise<TestApp & { supabase: AuthAdminDouble }> {
  const secretKey = environment['SUPABASE_SECRET_KEY'] ?? SECRET_KEY;
  const supabase = await startAuthAdminDouble(secretKey);
  const app = await startTestApp({
    SUPABASE_URL: supabase.url,
    SUPABASE_SECRET_KEY: secretKey,
    SUPABASE_JWT_ISSUER: TEST_ISSUER,
    ...environment,
  });
  supabase.connect(app.database.url);
  return {
    ...app,
    supabase,
    close: async () => {
      await supabase.close();
      await app.close();
    },
  };
}
