import type * as Migrate from '../../src/common/database/migrate.js';
import type * as Binaries from '../../src/embedded/postgres-binaries.js';
import type * as SystemUser from '../../src/embedded/system-user.js';

type Needed = Pick<typeof Migrate, 'runMigrations'> &
  Pick<typeof Binaries, 'postgresBinaries'> &
  Pick<typeof SystemUser, 'postgresUser'>;

/** Loads a module of the production build, with the type of its source. */
export function load<Module>(path: string): Promise<Module> {
  return import(new URL(`../../dist/src/${path}`, import.meta.url).href) as Promise<Module>;
}

/** The parts of the product that the harness needs to set up a database. */
export async function fromBuild(): Promise<Needed> {
  const [{ runMigrations }, { postgresBinaries }, { postgresUser }] = await Promise.all([
    load<typeof Migrate>('common/database/migrate.js'),
    load<typeof Binaries>('embedded/postgres-binaries.js'),
    load<typeof SystemUser>('embedded/system-user.js'),
  ]);
  return { runMigrations, postgresBinaries, postgresUser };
}
