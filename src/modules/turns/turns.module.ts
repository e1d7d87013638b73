import { Module } from '@nestjs/common';
import { AccountingModule } from '../accounting/accounting.module.js';
import { AdminConfigModule } from '../admin-config/admin-config.module.js';
import { AgentsModule } from '../agents/agents.module.js';
import { CompactionModule } from '../compaction/compaction.module.js';
import { FilesModule } from '../files/files.module.js';
import { ModelsModule } from '../models/models.module.js';
import { RateLimitModule } from '../rate-limit/rate-limit.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { AgentChooser } from './agent-chooser.js';
import { HistoryRepository } from './history.repository.js';
import { RecoveryRepository } from './recovery.repository.js';
import { FollowedAnswersRepository } from './instances/followed-answers.repository.js';
import { AnswerReaders } from './instances/answer-readers.js';
import { AnswerReadersRepository } from './instances/answer-readers.repository.js';
import { FollowedAnswers } from './instances/followed-answers.js';
import { InstanceLife } from './instances/instance-life.js';
import { InstanceRepository } from './instances/instance.repository.js';
import { RemoteTurns } from './instances/remote-turns.js';
import { RemoteTurnsRepository } from './instances/remote-turns.repository.js';
import { RedisLogs } from './instances/redis-logs.js';
import { RedisLogWriter } from './stream-hub/redis-log-writer.js';
import { StreamHub } from './stream-hub/stream-hub.js';
import { StreamLimits } from './stream-limits.js';
import { TitleService } from './title.service.js';
import { ToolApprovalsRepository } from './tool-approvals.repository.js';
import { TurnAdmission } from './turn-admission.js';
import { TurnConductor } from './turn-conductor.js';
import { TurnInterruption } from './turn-interruption.js';
import { TurnOpening } from './turn-opening.js';
import { TurnRecovery } from './turn-recovery.js';
import { TurnEndRepository } from './turn-end.repository.js';
import { TurnRepository } from './turn.repository.js';
import { TurnService } from './turn.service.js';
import { TurnStoring } from './turn-storing.js';

/** One message from the request to the stored answer. */
@Module({
  imports: [
    AccountingModule,
    AdminConfigModule,
    AgentsModule,
    CompactionModule,
    FilesModule,
    ModelsModule,
    RateLimitModule,
    UsageModule,
  ],
  providers: [
    AgentChooser,
    AnswerReaders,
    AnswerReadersRepository,
    FollowedAnswers,
    FollowedAnswersRepository,
    HistoryRepository,
    InstanceLife,
    InstanceRepository,
    RecoveryRepository,
    RedisLogs,
    RedisLogWriter,
    RemoteTurns,
    RemoteTurnsRepository,
    StreamHub,
    StreamLimits,
    TitleService,
    ToolApprovalsRepository,
    TurnAdmission,
    TurnConductor,
    TurnOpening,
    TurnRecovery,
    TurnEndRepository,
    TurnInterruption,
    TurnRepository,
    TurnService,
    TurnStoring,
  ],
  exports: [TurnService],
})
export class TurnsModule {}
