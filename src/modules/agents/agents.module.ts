import { Module } from '@nestjs/common';
import { AdminConfigModule } from '../admin-config/admin-config.module.js';
import { UsageModule } from '../usage/usage.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { GithubModule } from '../github/github.module.js';
import { RateLimitModule } from '../rate-limit/rate-limit.module.js';
import { SuggestionsModule } from '../suggestions/suggestions.module.js';
import { Agents } from './agents/agents.js';
import { ArtifactAgent } from './agents/artifact.agent.js';
import { GitMcpAgent } from './agents/git-mcp.agent.js';
import { RoutingAgent } from './agents/routing.agent.js';
import { ConfigTestController } from './config-test/config-test.controller.js';
import { ConfigTestService } from './config-test/config-test.service.js';
import { AgentChooser } from './turn/agent-chooser.js';
import { ArtifactTools } from './tools/artifact-tools.js';
import { DocumentWriter } from './tools/document-writer.js';
import { ImageMaker } from './tools/image-maker.js';
import { SuggestingController } from './suggesting/suggesting.controller.js';
import { SuggestingService } from './suggesting/suggesting.service.js';
import { SuggestionWriter } from './tools/suggestion-writer.js';
import { ChatAgent } from './agents/chat.agent.js';
import { ModelsController } from './providers/models.controller.js';
import { LanguageModels } from './providers/language-models.js';
import { ModelCalls } from './providers/model-calls.js';
import { ModelSelector } from './providers/model-selector.js';
import { ModelsService } from './providers/models.service.js';
import { StreamHub } from './stream-hub/stream-hub.js';
import { TitleService } from './turn/title.service.js';
import { TurnAdmission } from './turn/turn-admission.js';
import { TurnConductor } from './turn/turn-conductor.js';
import { RecoveryRepository } from './turn/recovery.repository.js';
import { TurnOpening } from './turn/turn-opening.js';
import { TurnRecovery } from './turn/turn-recovery.js';
import { TurnRepository } from './turn/turn.repository.js';
import { ToolApprovalsRepository } from './turn/tool-approvals.repository.js';
import { TurnService } from './turn/turn.service.js';

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
