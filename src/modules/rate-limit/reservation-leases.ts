import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PeriodicTask } from '../../common/periodic/periodic-task.js';
import { AdmissionRepository } from './admission.repository.js';

/** A quarter of the lifetime of a reservation, so three renewals may fail. */
const RENEWAL_INTERVAL = 30_000;

/**
 * The reservations of the turns of this process. They are renewed while the process lives, however long a turn takes.
 * After a crash, nothing renews them, and they expire.
 */
@Injectable()
export class ReservationLeases implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly held = new Set<string>();
  private readonly task = new PeriodicTask({
    name: 'reservations',
    interval: RENEWAL_INTERVAL,
    failure: 'Budget reservations could not be renewed. Trying again.',
    work: () => this.renew(),
  });

  constructor(private readonly repository: AdmissionRepository) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  hold(reservationId: string): void {
    this.held.add(reservationId);
  }

  release(reservationId: string): void {
    this.held.delete(reservationId);
  }

  async renew(): Promise<void> {
    if (this.held.size > 0) await this.repository.renewReservations([...this.held]);
  }
}
