import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../common/database/database.js';
import type { AnswerMetadata } from './turn.types.js';

interface AnswerPlace {
  messageId: string;
  chatId: string;
  userId: string;
}

const FIND = `
  select answer from switchboard.tool_approvals
   where message_id = $1 and chat_id = $2 and user_id = $3 limit 1`;

/**
 * Takes away what an answer has asked for, in the transaction that goes on with it: a second request finds nothing to approve,
 * and a transaction that fails leaves everything as it was.
 */
const TAKE = `
  with taken as (
    delete from switchboard.tool_approvals
     where message_id = $1 and chat_id = $2 and user_id = $3
    returning approval_id as "approvalId", tool_call_id as "toolCallId", tool_name as "toolName",
              call_hash as "callHash", answer
  )
  select * from taken`;

/** What the server has asked its users to approve. No user may read or write it: the statements run as the service. */
@Injectable()
export class ToolApprovalsRepository {
  constructor(private readonly database: Database) {}

  /** Of an answer that waits for its user's approval: who has begun it, and what it has used so far. */
  async findWaiting({ messageId, chatId, userId }: AnswerPlace): Promise<AnswerMetadata | undefined> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ answer: AnswerMetadata }>>(FIND, [messageId, chatId, userId]),
    );
    return rows[0]?.answer;
  }

  /** The statement that takes the approvals which an answer waits for; its rows are `AskedApproval`s. */
  takeStatement({ messageId, chatId, userId }: AnswerPlace): Statement {
    return { text: TAKE, parameters: [messageId, chatId, userId] };
  }
}
