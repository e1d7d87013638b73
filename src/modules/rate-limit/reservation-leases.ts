import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AdmissionRepository } from './admission.repository.js';

/** A quarter of what a reservation lives: three renewals may fail. */
const RENEWAL_INTERVAL = 30_000;

/**
 * The reservations of the turns that this process is conducting. They are renewed while it lives, however long a turn
 * takes; after a crash nobody does, and they run out.
 */
@Injectable()
export class ReservationLeases implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(ReservationLeases.name);
  private readonly held = new Set<string>();
  private timer?: NodeJS.Timeout;

  constructor(private readonly repository: AdmissionRepository) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.renew(), RENEWAL_INTERVAL).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  hold(reservationId: string): void {
    this.held.add(reservationId);
  }

  release(reservationId: string): void {
    this.held.delete(reservationId);
  }

  /** Never rejects: there is a next time. */
  async renew(): Promise<void> {
    if (this.held.size === 0) return;
    try {
      await this.repository.renewReservations([...this.held]);
    } catch (error) {
      this.logger.warn({ err: error }, 'Reservations of budgets could not be renewed; trying again.');
    }
  }
}
