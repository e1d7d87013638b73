import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../common/database/database.js';
import type { AskedApproval } from './tool-approvals.js';
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
 * Takes away what an answer has asked for, in one statement with another: a second request finds nothing to approve, and
 * a transaction that fails leaves everything as it was.
 */
const taking = (text: string, first: number) => `
  with taken as (
    delete from switchboard.tool_approvals
     where message_id = $${first} and chat_id = $${first + 1} and user_id = $${first + 2}
    returning approval_id as "approvalId", tool_call_id as "toolCallId", tool_name as "toolName",
              call_hash as "callHash", answer
  )
  select beside.*, (select coalesce(jsonb_agg(to_jsonb(taken)), '[]') from taken) as "askedApprovals"
    from (${text}) as beside`;

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

  /** A statement that does what `beside` does, and takes the approvals that an answer waits for; see {@link takenFrom}. */
  taking({ text, parameters }: Statement, { messageId, chatId, userId }: AnswerPlace): Statement {
    return {
      text: taking(text, parameters.length + 1),
      parameters: [...parameters, messageId, chatId, userId],
    };
  }

  /** What such a statement has taken. */
  takenFrom(rows: unknown): AskedApproval[] {
    return (rows as Array<{ askedApprovals?: AskedApproval[] }>)[0]?.askedApprovals ?? [];
  }
}
