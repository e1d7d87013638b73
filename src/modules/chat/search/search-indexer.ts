import { StringDecoder } from 'node:string_decoder';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { PeriodicTask } from '../../../common/periodic/periodic-task.js';
import { PieceFolder } from './fold.js';
import { Pace } from './pace.js';
import { type Note, SearchIndexRepository, type TextPiece } from './search-index.repository.js';
import { addSegments, keepSegments, type Segment, Segmenter } from './signature.js';

const INTERVAL = 5_000;
/** Users that one run looks at. */
const USERS = 50;
/** A search reads so many notes itself in a few milliseconds; fewer are not worth a write. */
const ENOUGH = { count: 400, bytes: 512 * 1024 };
/** What is taken in at a time. */
const BATCH = { most: 1_000, bytes: 2 * 1024 * 1024 };
/** Chats whose messages are noted at a time, when all of a user's are. */
const CHATS = 50;
const GROUP_SEGMENTS = 1_024;
/** Bytes that the database sends in one piece, and characters that are folded in one. */
const READ_SIZE = 128 * 1024;
const FOLD_SIZE = 4 * 1024;
/** The share of the time in which the indexer works: requests come first. */
const SHARE = 0.2;

/**
 * Keeps the search index: takes in what triggers have noted of users with enough notes, and clears away what is left of
 * deleted chats. How far it is makes a search faster or slower, and never changes what it finds.
 */
@Injectable()
export class SearchIndexer implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly task = new PeriodicTask({
    name: 'search-index',
    interval: INTERVAL,
    failure: 'The search index could not be brought up to date; trying again.',
    work: (signal) => this.run(signal),
  });

  /** Where the next run goes on. */
  private lastUser?: string;

  constructor(private readonly repository: SearchIndexRepository) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** Indexes what a user has noted, if there is enough of it. */
  async index(userId: string, enough = ENOUGH, pace = new Pace(1), signal?: AbortSignal): Promise<void> {
    while (!signal?.aborted) {
      const isDone = await this.indexBatch(userId, enough, pace, signal);
      await pace.rest();
      if (isDone) return;
    }
  }

  /** One user whose data cannot be indexed keeps no other from it. */
  private async run(signal: AbortSignal): Promise<void> {
    const users = await this.repository.findDue(this.lastUser, USERS);
    this.lastUser = users.length === USERS ? users.at(-1) : undefined;
    const failures: unknown[] = [];
    const pace = new Pace(SHARE, signal);
    for (const userId of users) {
      if (signal.aborted) break;
      await this.index(userId, ENOUGH, pace, signal).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Users could not be indexed.');
  }

  /**
   * Texts are read and taken apart outside of a transaction, which takes its time. The transaction that stores the result
   * is short, and only removes notes of texts that have not changed.
   *
   * @returns whether nothing is left to do for now
   */
  private async indexBatch(
    userId: string,
    enough: { count: number; bytes: number },
    pace: Pace,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const due = await this.repository.findDueOf(userId);
    if (!due) return true;
    if (due.isWhole) return !(await this.noteAll(userId, pace, signal));
    const { count, bytes } = await this.repository.measure(userId, enough.count);
    const isEnough = count >= enough.count || bytes >= enough.bytes;
    const notes = isEnough ? await this.repository.findNotes(userId, BATCH) : [];
    if (notes.length > 0) {
      const texts = await this.repository.readTexts(notes, READ_SIZE);
      const segments = await segmentsOf(texts, pace, signal);
      if (!segments) return true;
      return !(await this.repository.inTransaction((manager) => this.add(manager, userId, notes, segments)));
    }
    if (due.hasDeleted) await this.clearDeleted(userId, pace, signal);
    await this.end(userId);
    return true;
  }

  /** @returns false if somebody else is at it */
  private async noteAll(userId: string, pace: Pace, signal?: AbortSignal): Promise<boolean> {
    let after: string | undefined;
    do {
      const page = await this.repository.inTransaction(async (manager) => {
        const due = await this.repository.lock(manager, userId);
        if (!due?.isWhole) return undefined;
        const last = await this.repository.noteChats(manager, userId, { after, limit: CHATS });
        if (!last) await this.repository.endWhole(manager, userId);
        return { last };
      });
      if (!page) return false;
      after = page.last;
      await pace.rest();
    } while (after && !signal?.aborted);
    return true;
  }

  /** @returns false if somebody else is at it, or has taken in the same */
  private async add(
    manager: EntityManager,
    userId: string,
    notes: Note[],
    segments: Segment[],
  ): Promise<boolean> {
    if (!(await this.repository.lock(manager, userId))) return false;
    const chats = await this.repository.removeNotes(manager, userId, notes);
    if (chats.size === 0) return false;
    // A chat without a removed note has been deleted, or its notes are still there.
    let left = segments.filter(({ chatId }) => chats.has(chatId));
    if (left.length === 0) return true;
    const last = await this.repository.findLastGroup(manager, userId);
    let group = last ?? { number: 1, width: 0, matrix: Buffer.alloc(0), count: 0 };
    while (left.length > 0) {
      const room = GROUP_SEGMENTS - group.count;
      if (room > 0) {
        const added = left.slice(0, room);
        left = left.slice(room);
        const wider = addSegments(group.matrix, group, added);
        await this.repository.save(manager, userId, { number: group.number, ...wider }, added);
        await nextTurn();
      }
      group = { number: group.number + 1, width: 0, matrix: Buffer.alloc(0), count: 0 };
    }
    return true;
  }

  /** A group at a time: a large index has many. */
  private async clearDeleted(userId: string, pace: Pace, signal?: AbortSignal): Promise<void> {
    let after: number | undefined = 0;
    while (after !== undefined && !signal?.aborted) {
      const behind: number = after;
      after = await this.repository.inTransaction((manager) => this.clearNext(manager, userId, behind));
      await pace.rest();
    }
  }

  /** @returns the number of the group */
  private async clearNext(
    manager: EntityManager,
    userId: string,
    after: number,
  ): Promise<number | undefined> {
    if (!(await this.repository.lock(manager, userId))) return undefined;
    const found = await this.repository.findDeleted(manager, userId, after);
    if (!found) return undefined;
    const { number, width, matrix, chats } = found;
    const kept = keepSegments(
      matrix,
      width,
      chats.map((chat) => chat !== null),
    );
    await this.repository.clear(manager, userId, { number, matrix: kept, chats });
    return number;
  }

  /** What has become due meanwhile stays due. */
  private async end(userId: string): Promise<void> {
    await this.repository.inTransaction(async (manager) => {
      const due = await this.repository.lock(manager, userId);
      if (!due || due.isWhole) return;
      if (due.hasDeleted && (await this.repository.findDeleted(manager, userId, 0))) return;
      await this.repository.endDue(manager, userId);
    });
  }
}

/** @returns undefined if it was aborted */
async function segmentsOf(
  texts: TextPiece[],
  pace: Pace,
  signal?: AbortSignal,
): Promise<Segment[] | undefined> {
  const segmenter = new Segmenter();
  const decoder = new StringDecoder('utf8');
  const folder = new PieceFolder(FOLD_SIZE);
  let continues = false;
  for (const [index, { bytes, messageId, ...place }] of texts.entries()) {
    for (const folded of folder.add(decoder.write(bytes))) {
      segmenter.add({ ...place, text: folded }, continues);
      continues = true;
      await pace.turn();
    }
    const next = texts[index + 1];
    if (next?.messageId === messageId && next.piece > 0) continue;
    segmenter.add({ ...place, text: folder.end() }, continues);
    continues = false;
    await pace.turn();
    if (signal?.aborted) return undefined;
  }
  return segmenter.segments;
}
