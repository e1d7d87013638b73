import { Module } from '@nestjs/common';
import { AdminConfigModule } from '../admin-config/admin-config.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { GithubModule } from '../github/github.module.js';
import { RateLimitModule } from '../rate-limit/rate-limit.module.js';
import { SuggestionsModule } from '../suggestions/suggestions.module.js';
import { Agents } from './agents.js';
import { ArtifactAgent } from './artifact.agent.js';
import { GitMcpAgent } from './git-mcp.agent.js';
import { RoutingAgent } from './routing.agent.js';
import { ConfigTestController } from '../models/config-test/config-test.controller.js';
import { ConfigTestService } from '../models/config-test/config-test.service.js';
import { AgentChooser } from '../turns/agent-chooser.js';
import { ArtifactTools } from './tools/artifact-tools.js';
import { DocumentWriter } from './tools/document-writer.js';
import { ImageMaker } from './tools/image-maker.js';
import { SuggestingController } from './suggesting/suggesting.controller.js';
import { SuggestingService } from './suggesting/suggesting.service.js';
import { SuggestionWriter } from './tools/suggestion-writer.js';
import { ChatAgent } from './chat.agent.js';
import { ModelsController } from '../models/models.controller.js';
import { LanguageModels } from '../models/language-models.js';
import { ModelCalls } from '../models/model-caller.js';
import { ModelSelector } from '../models/model-selector.js';
import { ModelsService } from '../models/models.service.js';
import { StreamHub } from '../turns/stream-hub/stream-hub.js';
import { TitleService } from '../turns/title.service.js';
import { TurnAdmission } from '../turns/turn-admission.js';
import { TurnConductor } from '../turns/turn-conductor.js';
import { RecoveryRepository } from '../turns/recovery.repository.js';
import { TurnOpening } from '../turns/turn-opening.js';
import { TurnRecovery } from '../turns/turn-recovery.js';
import { TurnRepository } from '../turns/turn.repository.js';
import { ToolApprovalsRepository } from '../turns/tool-approvals.repository.js';
import { TurnService } from '../turns/turn.service.js';

@Module({
  imports: [
    AdminConfigModule,
    DocumentsModule,
    GithubModule,
    RateLimitModule,
    SuggestionsModule,
    UsageModule,
  ],
  controllers: [ConfigTestController, ModelsController, SuggestingController],
  providers: [
    LanguageModels,
    ModelCalls,
    ModelSelector,
    ModelsService,
    Agents,
    AgentChooser,
    ArtifactAgent,
    ArtifactTools,
    ChatAgent,
    ConfigTestService,
    DocumentWriter,
    GitMcpAgent,
    ImageMaker,
    RoutingAgent,
    SuggestingService,
    SuggestionWriter,
    StreamHub,
    TitleService,
    TurnAdmission,
    TurnConductor,
    TurnOpening,
    TurnRecovery,
    RecoveryRepository,
    TurnRepository,
    ToolApprovalsRepository,
    TurnService,
  ],
  exports: [TurnService],
})
export class AgentsModule {}
