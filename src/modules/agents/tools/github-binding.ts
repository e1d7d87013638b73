import type { JSONSchema7 } from '@ai-sdk/provider';
import { isSameRepository, type RepositoryName } from '../../github/repository-name.js';
import { checkValues, isWithin } from './github-arguments.js';
import { scopeQuery } from './github-query.js';
import { GithubToolError } from './github-tool-error.js';

/** A tool as an MCP server lists it. */
export interface ListedTool {
  name: string;
  title?: string;
  description?: string;
  inputSchema: { properties?: Record<string, unknown>; required?: unknown };
  annotations?: { title?: string; readOnlyHint?: boolean };
}

/** A tool that reaches one repository only. */
export interface BoundTool {
  /** The arguments that the model may send. */
  inputSchema: JSONSchema7;
  /**
   * Builds the arguments for the server from those of the model.
   *
   * @throws GithubToolError for a call that would reach anything except the repository
   */
  bind(input: unknown): Record<string, unknown>;
}

/** Searches that a qualifier in their query limits to one repository. */
const SEARCHES = new Set(['search_code', 'search_commits', 'search_issues', 'search_pull_requests']);
/** Returns the owner of the token, and nothing else. */
const ABOUT_THE_USER = new Set(['get_me']);
/** These name the repository, but their result lies somewhere else. */
const REACHING_OUT = new Set(['fork_repository', 'transfer_repository']);

/**
 * Limits a tool to a repository, whatever the model sends. `owner` and `repo` must be those of the repository, or the
 * call is refused. Queries are limited to it. Arguments are removed unless they are known to identify something within
 * it.
 *
 * @returns undefined for a tool that cannot be limited
 */
export function bindTool(tool: ListedTool, repository: RepositoryName): BoundTool | undefined {
  const properties = tool.inputSchema.properties ?? {};
  const required = Array.isArray(tool.inputSchema.required) ? tool.inputSchema.required.map(String) : [];
  if (REACHING_OUT.has(tool.name) || !required.every(isWithin)) return undefined;
  const isAddressed = 'owner' in properties && 'repo' in properties;
  const isSearch = SEARCHES.has(tool.name) && 'query' in properties;
  if (!isAddressed && !isSearch && !ABOUT_THE_USER.has(tool.name)) return undefined;

  const offered = Object.fromEntries(
    Object.entries(properties)
      .filter(([name]) => isWithin(name))
      .map(([name, schema]) => [name, isAddressed ? pinned(name, schema, repository) : schema]),
  );
  return {
    inputSchema: {
      type: 'object',
      properties: offered as JSONSchema7['properties'],
      required: required.filter((name) => name in offered),
      additionalProperties: false,
    },
    bind: (input) => {
      const bound = { ...checkArguments(input, offered) };
      checkValues(bound, repository.owner);
      if (isAddressed) {
        refuseOther(bound, repository);
        bound['owner'] = repository.owner;
        bound['repo'] = repository.name;
      }
      if (SEARCHES.has(tool.name) || 'query' in offered) {
        const query = bound['query'] ?? '';
        if (typeof query !== 'string') throw new GithubToolError('The argument query must be a string.');
        bound['query'] = scopeQuery(query, repository);
      }
      return bound;
    },
  };
}

/** Tells the model that there is no other choice. */
function pinned(argument: string, schema: unknown, { owner, name }: RepositoryName): unknown {
  if (argument === 'owner') return { type: 'string', enum: [owner] };
  return argument === 'repo' ? { type: 'string', enum: [name] } : schema;
}

function checkArguments(input: unknown, offered: Record<string, unknown>): Record<string, unknown> {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new GithubToolError('The arguments must be an object.');
  for (const name of Object.keys(input)) {
    if (!Object.hasOwn(offered, name)) throw new GithubToolError(`The argument ${name} does not exist.`);
  }
  return input as Record<string, unknown>;
}

function refuseOther({ owner, repo }: Record<string, unknown>, repository: RepositoryName): void {
  const asked = { owner: owner ?? repository.owner, name: repo ?? repository.name };
  if (
    typeof asked.owner !== 'string' ||
    typeof asked.name !== 'string' ||
    !isSameRepository({ owner: asked.owner, name: asked.name }, repository)
  ) {
    throw new GithubToolError(
      `Refused: only the repository ${repository.owner}/${repository.name} is allowed here.`,
    );
  }
}
