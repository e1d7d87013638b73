import { Injectable } from '@nestjs/common';
import type { Statement } from '../../common/database/database.js';
import { UsageRepository } from './usage.repository.js';
import type { Booking } from './usage.types.js';

/** The usage that is booked. */
@Injectable()
export class UsageService {
  constructor(private readonly repository: UsageRepository) {}

  /** The statement that books calls of one run and adds them to the figures of their answer and chat. It may be repeated. */
  bookStatement(booking: Booking): Statement {
    return this.repository.booking(booking);
  }
}
