import pg from 'pg';

/**
 * A client that does not end the process when its connection is lost: an `error` event without a listener would. The
 * pool only listens while a client is idle, not while it is in use or being removed. Running statements still fail.
 */
export class GuardedClient extends pg.Client {
  constructor(...parameters: ConstructorParameters<typeof pg.Client>) {
    super(...parameters);
    this.on('error', () => undefined);
  }
}
