import type { Fault } from './fault.js';
import { CLOCK_JUMPS, KILL_SERVER_AHEAD } from './faults/clock-jumps.js';
import { DELETE_USER } from './faults/delete-user.js';
import { FILL_DISK } from './faults/full-disk.js';
import { KILL_SERVER } from './faults/kill-server.js';
import { ONE_CHAT } from './faults/one-chat.js';
import { PAUSE_OWNER } from './faults/pause-owner.js';
import { KILL_SERVER_BEHIND_PGBOUNCER, RESTART_PGBOUNCER } from './faults/pgbouncer-faults.js';
import {
  CRASH_POSTGRES,
  FREEZE_POSTGRES,
  LOSE_POSTGRES,
  READ_ONLY_POSTGRES,
  RESTART_POSTGRES,
} from './faults/postgres-faults.js';
import { PROVIDER_FAULTS } from './faults/provider-faults.js';
import { FREEZE_REDIS, LOSE_REDIS, RESTART_REDIS } from './faults/redis-faults.js';
import { SAME_MESSAGE } from './faults/same-message.js';
import { SHUT_DOWN } from './faults/shut-down.js';
import { TERMINATE_BACKENDS } from './faults/terminate-backends.js';
import { VANISHING_CLIENTS } from './faults/vanishing-clients.js';

/** Everything that may happen. Faults of the provider come late: some of their calls count for no limit. */
export const FAULTS: Fault[] = [
  KILL_SERVER,
  TERMINATE_BACKENDS,
  RESTART_POSTGRES,
  CRASH_POSTGRES,
  LOSE_POSTGRES,
  READ_ONLY_POSTGRES,
  FREEZE_POSTGRES,
  FILL_DISK,
  LOSE_REDIS,
  FREEZE_REDIS,
  RESTART_REDIS,
  PAUSE_OWNER,
  CLOCK_JUMPS,
  KILL_SERVER_AHEAD,
  VANISHING_CLIENTS,
  SAME_MESSAGE,
  ...SHUT_DOWN,
  RESTART_PGBOUNCER,
  KILL_SERVER_BEHIND_PGBOUNCER,
  ONE_CHAT,
  DELETE_USER,
  ...PROVIDER_FAULTS,
];
