import { ApiHeader } from '@nestjs/swagger';
import { GITHUB_TOKEN_HEADER } from '../models/user-keys.js';

/** Documents the header in which users send their GitHub token. */
export const ApiGithubToken = ({ required = true, use = 'this request' } = {}) =>
  ApiHeader({
    name: GITHUB_TOKEN_HEADER,
    required,
    description: `Your GitHub token. It is used for ${use} and never stored; 400 \`github_token_missing\` without a valid one.`,
  });
