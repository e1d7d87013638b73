import { ApiHeader } from '@nestjs/swagger';
import { GITHUB_TOKEN_HEADER } from '../models/user-keys.js';

/** Documents the header for the user's GitHub token. */
export const ApiGithubToken = ({ required = true, use = 'this request' } = {}) =>
  ApiHeader({
    name: GITHUB_TOKEN_HEADER,
    required,
    description: `Your GitHub token. It is used only for ${use} and is never stored. Returns 400 \`github_token_missing\` if it is missing or invalid.`,
  });
