import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { type Download, jsonArray } from '../../common/http/download.js';
import { reportSkipped } from '../../common/http/paging.js';
import { idOf, toJson, toJsonWithout } from '../../common/http/safe-json.js';
import {
  AccountDataService,
  type AccountUser,
  type OwnChat,
  type OwnVersion,
} from './account-data.service.js';
import type { AccountExportFormat } from './dto/export-account.query.js';

const TYPES: Record<AccountExportFormat, string> = {
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

/** All data of a user as one download. It is written while it is read, as fast as the client reads it. */
@Injectable()
export class AccountExportService {
  constructor(private readonly data: AccountDataService) {}

  async open(identity: Identity, format: AccountExportFormat, now = new Date()): Promise<Download> {
    const user = await this.data.user(identity);
    const exportedAt = now.toISOString();
    return {
      fileName: `switchboard-${exportedAt.slice(0, 10)}.${format}`,
      type: TYPES[format],
      pieces: format === 'json' ? this.json(user, exportedAt) : this.ndjson(user, exportedAt),
    };
  }

  private async *json(user: AccountUser, exportedAt: string): AsyncGenerator<string> {
    const { data } = this;
    yield `{"exportedAt":${JSON.stringify(exportedAt)},"user":${JSON.stringify(user)},"chats":`;
    yield* jsonArray(data.chats(user.id), chatToJson);
    yield ',"documents":';
    yield* jsonArray(data.documents(user.id), versionToJson);
    for (const [name, items] of this.lists(user.id)) {
      yield `,${JSON.stringify(name)}:`;
      yield* jsonArray<unknown>(items);
    }
    yield '}\n';
  }

  /** The last line marks the file as complete. A truncated file does not have it. */
  private async *ndjson(user: AccountUser, exportedAt: string): AsyncGenerator<string> {
    const { data } = this;
    yield line('export', { exportedAt });
    yield line('user', user);
    for await (const { chat, messages, votes } of data.chats(user.id)) {
      yield lineOf('chat', toJsonWithout(chat, 'lastContext'));
      for await (const message of messages) yield line('message', message);
      for await (const vote of votes) yield line('vote', vote);
    }
    for await (const { document, suggestions } of data.documents(user.id)) {
      yield line('document', document);
      for await (const suggestion of suggestions) yield line('suggestion', suggestion);
    }
    for (const [, items, type] of this.lists(user.id)) {
      for await (const item of items) yield line(type, item);
    }
    yield line('end', { exportedAt });
  }

  /** Lists without nested items: the name in JSON, the items, and the type of a line. */
  private lists(userId: string): Array<[name: string, items: AsyncIterable<unknown>, type: string]> {
    const { data } = this;
    return [
      ['usage', data.usage(userId), 'usage'],
      ['purgedUsage', data.purgedUsage(userId), 'purgedUsage'],
      ['rateLimits', data.rateLimits(userId), 'rateLimit'],
      ['repositories', data.repositories(userId), 'repository'],
      ['files', data.files(userId), 'file'],
    ];
  }
}

async function* chatToJson({ chat, messages, votes }: OwnChat): AsyncGenerator<string> {
  yield `${toJsonWithout(chat, 'lastContext').slice(0, -1)},"messages":`;
  yield* jsonArray(messages);
  yield ',"votes":';
  yield* jsonArray(votes);
  yield '}';
}

async function* versionToJson({ document, suggestions }: OwnVersion): AsyncGenerator<string> {
  yield `${JSON.stringify(document).slice(0, -1)},"suggestions":`;
  yield* jsonArray(suggestions);
  yield '}';
}

/** A line of NDJSON, or nothing if the item cannot be written. */
function line(type: string, data: unknown): string {
  const text = toJson(data);
  if (text === undefined) reportSkipped([idOf(data)]);
  return text === undefined ? '' : lineOf(type, text);
}

function lineOf(type: string, json: string): string {
  return `{"type":${JSON.stringify(type)},"data":${json}}\n`;
}
