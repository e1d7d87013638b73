import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { UserDirectory } from '../../common/auth/user-directory.js';
import { allItems } from '../../common/http/download.js';
import type { Keyset } from '../../common/http/paging.js';
import { serializableOr } from '../../common/http/safe-json.js';
import { toCursorTime, toApiTime } from '../../common/http/cursor-time.js';
import { ChatsService } from '../chat/chats.service.js';
import type { ChatDto } from '../chat/dto/chat.dto.js';
import type { VoteDto } from '../chat/dto/vote.dto.js';
import { VotesService } from '../chat/votes.service.js';
import { DocumentsService } from '../documents/documents.service.js';
import type { DocumentDto } from '../documents/dto/document.dto.js';
import type { GithubRepositoryDto } from '../github/dto/repository.dto.js';
import { GithubService } from '../github/github.service.js';
import type { MessageDto } from '../messages/dto/message.dto.js';
import { MessagesService } from '../messages/messages.service.js';
import type { CountedWindow } from '../rate-limit/admission.types.js';
import { RateLimitsService } from '../rate-limit/rate-limits.service.js';
import type { SuggestionDto } from '../suggestions/dto/suggestion.dto.js';
import { SuggestionsService, versionKey } from '../suggestions/suggestions.service.js';
import type { UsageLogDto } from '../usage/reports/dto/usage-log.dto.js';
import { type PurgedUsage, UsageExportService } from '../usage/reports/usage-export.service.js';
import { AccountExportRepository, type FileRow } from './account-export.repository.js';
import { allAfter, allPages, OwnedItems } from './owned-items.js';

const CHATS_AT_ONCE = 20;
const REPOSITORIES_AT_ONCE = 100;
const FILES_AT_ONCE = 500;

export interface AccountUser extends Pick<Identity, 'id' | 'email' | 'role' | 'settings'> {
  isActive: boolean;
  createdAt: string | null;
}

export interface OwnChat {
  chat: ChatDto;
  messages: AsyncIterable<MessageDto>;
  votes: AsyncIterable<VoteDto>;
}

export interface OwnVersion {
  document: DocumentDto;
  suggestions: AsyncIterable<SuggestionDto>;
}

/** `size` in bytes. Null, like the type, if storage does not report it. */
export interface OwnFile extends Omit<FileRow, 'metadata'> {
  size: number | null;
  contentType: string | null;
}

/**
 * All data of a user, one page after the other, each in its own short transaction. A user who is deactivated or deleted
 * meanwhile reads no further, because every read checks the user again.
 */
@Injectable()
export class AccountDataService {
  constructor(
    private readonly directory: UserDirectory,
    private readonly repository: AccountExportRepository,
    private readonly ownChats: ChatsService,
    private readonly messages: MessagesService,
    private readonly votes: VotesService,
    private readonly ownDocuments: DocumentsService,
    private readonly suggestions: SuggestionsService,
    private readonly ownUsage: UsageExportService,
    private readonly limits: RateLimitsService,
    private readonly github: GithubService,
  ) {}

  async user({ id, email, role, settings }: Identity): Promise<AccountUser> {
    const createdAt = await this.repository.findCreatedAt(id);
    return {
      id,
      email,
      role,
      isActive: true,
      settings: serializableOr(settings, {}),
      createdAt: createdAt && toApiTime(createdAt),
    };
  }

  /** Newest first. Messages and votes of a chat must be read, in this order, before the next chat is requested. */
  async *chats(userId: string): AsyncGenerator<OwnChat> {
    let cursor: string | undefined;
    do {
      const page = await this.ownChats.list(await this.reader(userId), { limit: CHATS_AT_ONCE, cursor });
      const ids = page.items.map(({ id }) => id);
      const messages = this.ofChats(ids, async (left, after) =>
        this.messages.listOfChats(await this.reader(userId), left, after),
      );
      const votes = this.ofChats(ids, async (left, after) =>
        this.votes.listOfChats(await this.reader(userId), left, after),
      );
      for (const chat of page.items) {
        yield { chat, messages: messages.of(chat.id), votes: votes.of(chat.id) };
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
  }

  /** Every version, oldest first. The suggestions for a version must be read before the next version is requested. */
  async *documents(userId: string): AsyncGenerator<OwnVersion> {
    const versions = allAfter<DocumentDto, Keyset>(async (after) =>
      this.ownDocuments.listAllVersions(await this.reader(userId), after),
    );
    for await (const stretch of versions) {
      const keys = stretch.map(({ id, createdAt }) => versionKey(id, createdAt));
      const suggestions = new OwnedItems(
        allPages(keys, async (left, after) =>
          this.suggestions.listOfVersions(await this.reader(userId), left, after),
        ),
        ({ documentId, documentCreatedAt }) => versionKey(documentId, documentCreatedAt),
      );
      for (const document of stretch) {
        yield { document, suggestions: suggestions.of(versionKey(document.id, document.createdAt)) };
      }
    }
  }

  /** The model calls, oldest first. */
  usage(userId: string): AsyncGenerator<UsageLogDto> {
    return this.ownUsage.callsOf(userId);
  }

  /** The sums of purged calls, oldest first. */
  purgedUsage(userId: string): AsyncGenerator<PurgedUsage> {
    return this.ownUsage.purgedOf(userId);
  }

  async *rateLimits(userId: string): AsyncGenerator<CountedWindow> {
    const stretches = allAfter<CountedWindow, Keyset>(async (after) => {
      const items = await this.limits.listCounted(await this.reader(userId), after);
      const last = items.at(-1);
      return { items, last: last && { at: toCursorTime(last.periodStart), id: last.id } };
    });
    for await (const windows of stretches) yield* windows;
  }

  repositories(userId: string): AsyncGenerator<GithubRepositoryDto> {
    return allItems(REPOSITORIES_AT_ONCE, async (page) => this.github.list(await this.reader(userId), page));
  }

  /** The names of the files in storage. Their content is downloaded from there. */
  async *files(userId: string): AsyncGenerator<OwnFile> {
    if (!(await this.repository.canReadFiles())) return;
    const stretches = allAfter<FileRow, FileRow>(async (after) => {
      const { id } = await this.reader(userId);
      const items = await this.repository.findFiles(id, { after, limit: FILES_AT_ONCE });
      return { items, last: items.at(-1) };
    });
    for await (const files of stretches) yield* files.map(toFile);
  }

  /** @throws AppError 401 or 403 if the user no longer exists or is no longer active */
  private reader(userId: string): Promise<Identity> {
    return this.directory.identify(userId);
  }

  private ofChats<T extends { chatId: string }>(
    chatIds: string[],
    read: Parameters<typeof allPages<T>>[1],
  ): OwnedItems<T> {
    return new OwnedItems(allPages(chatIds, read), ({ chatId }) => chatId);
  }
}

function toFile({ metadata, ...file }: FileRow): OwnFile {
  const { size, mimetype } = factsOf(metadata);
  return {
    ...file,
    size: typeof size === 'number' ? size : null,
    contentType: typeof mimetype === 'string' ? mimetype : null,
  };
}

/** The storage of the embedded stack stores an object as text, and Supabase as an object. */
function factsOf(metadata: unknown): { size?: unknown; mimetype?: unknown } {
  if (typeof metadata !== 'string') return metadata ?? {};
  try {
    return factsOf(JSON.parse(metadata) as object | null);
  } catch {
    return {};
  }
}
