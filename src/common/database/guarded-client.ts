import pg from 'pg';

/**
 * A client whose loss does not end the process: an `error` event that nobody listens to would. The pool listens while a
 * client is idle, and nobody does while it is in use or being thrown away. The statements under way fail all the same.
 */
export class GuardedClient extends pg.Client {
  constructor(...parameters: ConstructorParameters<typeof pg.Client>) {
    super(...parameters);
    this.on('error', () => undefined);
  }
}
