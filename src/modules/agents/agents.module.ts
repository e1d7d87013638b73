import { Module } from '@nestjs/common';
import { AccountingModule } from '../accounting/accounting.module.js';
import { AdminConfigModule } from '../admin-config/admin-config.module.js';
import { DocumentsModule } from '../documents/documents.module.js';
import { GithubModule } from '../github/github.module.js';
import { ModelsModule } from '../models/models.module.js';
import { SuggestionsModule } from '../suggestions/suggestions.module.js';
import { Agents } from './agents.js';
import { ArtifactAgent } from './artifact.agent.js';
import { ChatAgent } from './chat.agent.js';
import { GitMcpAgent } from './git-mcp.agent.js';
import { RoutingAgent } from './routing.agent.js';
import { SuggestingController } from './suggesting/suggesting.controller.js';
import { SuggestingService } from './suggesting/suggesting.service.js';
import { ArtifactTools } from './tools/artifact-tools.js';
import { DocumentWriter } from './tools/document-writer.js';
import { ImageMaker } from './tools/image-maker.js';
import { SuggestionWriter } from './tools/suggestion-writer.js';

/** What answers a message, and its tools. */
@Module({
  imports: [
    AccountingModule,
    AdminConfigModule,
    DocumentsModule,
    GithubModule,
    ModelsModule,
    SuggestionsModule,
  ],
  controllers: [SuggestingController],
  providers: [
    Agents,
    ArtifactAgent,
    ArtifactTools,
    ChatAgent,
    DocumentWriter,
    GitMcpAgent,
    ImageMaker,
    RoutingAgent,
    SuggestingService,
    SuggestionWriter,
  ],
  exports: [Agents, RoutingAgent],
})
export class AgentsModule {}
