import { Injectable, type OnModuleInit } from '@nestjs/common';
import { UserDirectory } from '../../common/auth/user-directory.js';
import { Notifications } from '../../common/database/notifications.js';
import { AppError } from '../../common/errors/app-error.js';
import { TurnService } from '../turns/turn.service.js';

/** Ends this instance's running answers for a user who was deactivated or deleted, on any instance. */
@Injectable()
export class DepartedUsers implements OnModuleInit {
  constructor(
    private readonly notifications: Notifications,
    private readonly directory: UserDirectory,
    private readonly turns: TurnService,
  ) {}

  onModuleInit(): void {
    this.notifications.on('switchboard_user', (userId) => void this.look(userId));
  }

  /** Never rejects. If the database is unavailable, the state is unknown and nothing is ended. */
  private async look(userId: string): Promise<void> {
    if (!this.turns.isRunning(userId)) return;
    this.directory.forget(userId);
    try {
      await this.directory.identify(userId);
    } catch (error) {
      if (error instanceof AppError && (error.status === 401 || error.status === 403))
        await this.turns.stopOwn(userId);
    }
  }
}
