import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { PeriodicTask } from '../../../common/periodic/periodic-task.js';
import { fold } from './fold.js';
import { SearchIndexRepository } from './search-index.repository.js';
import { addSegments, keepSegments, type Segment, Segmenter, type SegmentText } from './signature.js';

const INTERVAL = 5_000;
/** The number of users per run. */
const USERS = 50;
/** A search reads this many notes itself in a few milliseconds, so fewer notes are not worth a write. */
const ENOUGH = { count: 400, bytes: 512 * 1024 };
/** The limits of one transaction. */
const BATCH = { most: 1_000, bytes: 4 * 1024 * 1024 };
const GROUP_SEGMENTS = 1_024;
/** The number of characters to fold before other requests get their turn. */
const STEP = 32 * 1024;

/**
 * Keeps the search index: adds what triggers have noted, for users with enough notes, and clears the entries of deleted
 * chats. Its progress affects the speed of a search, but never the results.
 */
@Injectable()
export class SearchIndexer implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly task = new PeriodicTask({
    name: 'search-index',
    interval: INTERVAL,
    failure: 'The search index could not be updated. Trying again.',
    work: (signal) => this.run(signal),
  });

  /** Where the next run continues. */
  private lastUser?: string;

  constructor(private readonly repository: SearchIndexRepository) {}

  onApplicationBootstrap(): void {
    this.task.start();
  }

  onApplicationShutdown(): Promise<void> {
    return this.task.stop();
  }

  /** Indexes a user's notes, if there are enough of them. */
  async index(userId: string, enough = ENOUGH, signal?: AbortSignal): Promise<void> {
    while (!signal?.aborted) {
      const isDone = await this.repository.inTransaction((manager) =>
        this.indexBatch(manager, userId, enough),
      );
      if (isDone) return;
    }
  }

  /** A user whose data cannot be indexed does not prevent the others from being indexed. */
  private async run(signal: AbortSignal): Promise<void> {
    const users = await this.repository.findDue(this.lastUser, USERS);
    this.lastUser = users.length === USERS ? users.at(-1) : undefined;
    const failures: unknown[] = [];
    for (const userId of users) {
      await this.index(userId, ENOUGH, signal).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'Users could not be indexed.');
  }

  /** @returns whether nothing is left to do for now */
  private async indexBatch(
    manager: EntityManager,
    userId: string,
    enough: { count: number; bytes: number },
  ): Promise<boolean> {
    const due = await this.repository.lock(manager, userId);
    if (!due) return true;
    if (due.isWhole) {
      await this.repository.noteAll(manager, userId);
      return false;
    }
    const { count, bytes } = await this.repository.measure(manager, userId, enough.count);
    const isEnough = count >= enough.count || bytes >= enough.bytes;
    const notes = isEnough ? await this.repository.take(manager, userId, BATCH) : [];
    if (notes.length > 0) {
      await this.add(manager, userId, await this.repository.readTexts(manager, notes));
      return false;
    }
    if (due.hasDeleted) await this.clearDeleted(manager, userId);
    // This comes last, because the deletion of a chat may be waiting for this row.
    await this.repository.endDue(manager, userId);
    return true;
  }

  private async add(manager: EntityManager, userId: string, texts: SegmentText[]): Promise<void> {
    let segments = await this.segmentsOf(texts);
    if (segments.length === 0) return;
    const last = await this.repository.findLastGroup(manager, userId);
    let group = last ?? { number: 1, width: 0, matrix: Buffer.alloc(0), count: 0 };
    while (segments.length > 0) {
      const room = GROUP_SEGMENTS - group.count;
      if (room > 0) {
        const added = segments.slice(0, room);
        segments = segments.slice(room);
        const wider = addSegments(group.matrix, group, added);
        await this.repository.save(manager, userId, { number: group.number, ...wider }, added);
        await nextTurn();
      }
      group = { number: group.number + 1, width: 0, matrix: Buffer.alloc(0), count: 0 };
    }
  }

  private async segmentsOf(texts: SegmentText[]): Promise<Segment[]> {
    const segmenter = new Segmenter();
    let characters = 0;
    for (const { text, ...place } of texts) {
      for (const piece of piecesOf(fold(text))) {
        segmenter.add({ ...place, text: piece });
        if ((characters += piece.length) < STEP) continue;
        characters = 0;
        await nextTurn();
      }
    }
    return segmenter.segments;
  }

  private async clearDeleted(manager: EntityManager, userId: string): Promise<void> {
    for (const { number, width, matrix, chats } of await this.repository.findDeleted(manager, userId)) {
      const kept = keepSegments(
        matrix,
        width,
        chats.map((chat) => chat !== null),
      );
      await this.repository.clear(manager, userId, { number, matrix: kept, chats });
      await nextTurn();
    }
  }
}

/** Pieces overlap, so that each sequence of three characters is whole in the piece in which it starts. */
function* piecesOf(text: string): Generator<string> {
  for (let start = 0; start === 0 || start < text.length; start += STEP) {
    yield text.slice(start, start + STEP + 2);
  }
}
