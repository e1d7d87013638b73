import { Module } from '@nestjs/common';
import { GithubApi } from './github-api.js';
import { GithubController } from './github.controller.js';
import { GithubRepository } from './github.repository.js';
import { GithubService } from './github.service.js';

/** The repositories that users have connected. */
@Module({
  controllers: [GithubController],
  providers: [GithubApi, GithubRepository, GithubService],
  exports: [GithubService],
})
export class GithubModule {}
