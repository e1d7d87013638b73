import { Injectable } from '@nestjs/common';
import type { Statement } from '../../common/database/database.js';
import type { Booking } from './usage.types.js';
import { CHAT_TOTALS, MESSAGE_FIGURES } from './usage-words.js';

/**
 * The rows of the calls are there, and the figures of their answer and chat have grown by them, or nothing has happened. A
 * call that is booked already adds nothing: the statement may be repeated. The calls are booked even if their chat is gone, as
 * the statement reads `booked` itself.
 */
const BOOK = `
  with booked as materialized (
    select * from switchboard.book_calls($1::jsonb, $2::uuid, $4::uuid, $5::jsonb, $6)
  ), answer as (
    update "Message_v2" message set ${MESSAGE_FIGURES} from booked where message.id = $2
  ), totals as (
    update chat set ${CHAT_TOTALS} from booked where chat.id = $3
  )
  select from booked`;

@Injectable()
export class UsageRepository {
  /** The statement that books calls, with nothing else: see `switchboard.book_calls`. */
  booking({ calls, chatId, answerId, runId, callsLeft, isOver }: Booking): Statement {
    return {
      text: BOOK,
      parameters: [calls, answerId ?? null, chatId ?? null, runId ?? null, callsLeft ?? null, isOver],
    };
  }
}
