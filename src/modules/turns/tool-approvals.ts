import { createHash } from 'node:crypto';
import { getToolName, isToolUIPart, type UIMessage } from 'ai';
import { AppError, invalidField } from '../../common/errors/app-error.js';
import { canonicalJson } from '../../common/database/canonical-json.js';
import { toJson } from '../../common/database/stored-json.js';
import { closed, isFinished, type ToolPart } from './stored-parts.js';
import type { ApprovedCall } from '../agents/agent.js';
import type { AnswerMetadata, ToolApproval, TurnRequest } from './turn.types.js';

type Parts = UIMessage['parts'];

/** The database's limit for ids and names of calls. A longer one can be shown, but not approved. */
const MAX_ID = 200;

/** An answer was sent back in which no call waits for a decision. */
export class NothingWaits extends AppError {
  constructor() {
    super(400, 'validation_failed', 'None of these calls is waiting for approval.');
  }
}

/** A call for which this server has requested approval, as stored separately from the message. */
export interface AskedApproval {
  approvalId: string;
  toolCallId: string;
  toolName: string;
  /** A hash of the whole part in the message. */
  callHash: string;
  /** About the answer that requests approval: its agent, and its usage so far. */
  answer: AnswerMetadata;
}

/** The parts of an answer with the user's decisions. */
export interface AnsweredCalls {
  parts: Parts;
  /** The parts that the user has just approved or denied. */
  answered: ReadonlySet<Parts[number]>;
  /** The calls that may be made, by their ids. */
  approved: Map<string, ApprovedCall>;
}

/** The requested approvals at the end of an answer, to be stored. */
export function askedFor(parts: ToolPart[], answer: AnswerMetadata): AskedApproval[] {
  return parts.flatMap((part) => {
    if (part.state !== 'approval-requested') return [];
    const approvalId = part.approval.id;
    const { toolCallId } = part;
    const toolName = getToolName(part);
    if ([approvalId, toolCallId, toolName].some((text) => text.length > MAX_ID)) return [];
    return [{ approvalId, toolCallId, toolName, callHash: hashOf(part), answer }];
  });
}

/**
 * Applies the user's decisions to the calls that wait for them. A call only waits if this server has requested its
 * approval and the message still contains it unchanged. Anything else that the message says about calls and approvals
 * is ignored. Other calls without a result are closed.
 *
 * @throws AppError 400 for a decision on something that does not wait for one, or if a call gets no decision
 */
export function applyApprovals(
  parts: Parts,
  approvals: ToolApproval[],
  asked: AskedApproval[],
): AnsweredCalls {
  const byId = new Map(approvals.map((approval) => [approval.approvalId, approval]));
  const waiting = new Map(asked.map((call) => [call.approvalId, call]));
  const callIds = new Set(asked.map(({ toolCallId }) => toolCallId));
  const approved = new Map<string, ApprovedCall>();
  const answered = new Set<Parts[number]>();
  const goingOn = parts.flatMap((part): Parts => {
    if (!isToolUIPart(part)) return [part];
    if (part.state !== 'approval-requested' || !isAsked(part, waiting.get(part.approval.id))) {
      // A second call with the same id could be taken for the approved one.
      if (callIds.has(part.toolCallId)) return [];
      return [isFinished(part) ? part : closed(part)];
    }
    waiting.delete(part.approval.id);
    const approval = byId.get(part.approval.id);
    if (!approval) {
      throw invalidField('message.parts', `the tool call ${part.toolCallId} is still waiting for approval`);
    }
    if (approval.approved) approved.set(part.toolCallId, { toolName: getToolName(part), input: part.input });
    const call: Parts[number] = {
      ...part,
      state: 'approval-responded' as const,
      approval: { ...part.approval, approved: approval.approved, reason: approval.reason },
    };
    answered.add(call);
    return [call];
  });
  // Clients send the whole message, so it contains decisions on earlier calls. They change nothing.
  if (answered.size === 0) throw new NothingWaits();
  return { parts: upToStepOf(goingOn, answered), answered, approved };
}

/** An answer that is continued keeps its agent, and its model unless the client names another one. */
export function toGoOn(request: TurnRequest, { agentType, model, fallbackFor }: AnswerMetadata): TurnRequest {
  if (request.model !== undefined) return { ...request, agent: agentType };
  return { ...request, agent: agentType, model, standsInFor: fallbackFor };
}

/**
 * The parts of an answer before the user's decisions, if its continuation had no result. No call was made then, and the
 * calls can be approved again.
 */
export function stillWaiting(
  parts: Parts,
  resumed: { waiting: Parts; json: string } | undefined,
): Parts | undefined {
  return resumed && toJson(parts) === resumed.json ? resumed.waiting : undefined;
}

/**
 * An answer ends with the step that requests approval. A client added anything after it, and that would hide the
 * approval from the AI SDK.
 */
function upToStepOf(parts: Parts, answered: ReadonlySet<Parts[number]>): Parts {
  const first = parts.findIndex((part) => answered.has(part));
  const next = parts.findIndex(({ type }, index) => index > first && type === 'step-start');
  return next < 0 ? parts : parts.slice(0, next);
}

function isAsked(part: ToolPart, asked: AskedApproval | undefined): boolean {
  if (asked?.toolCallId !== part.toolCallId || asked.toolName !== getToolName(part)) return false;
  try {
    return hashOf(part) === asked.callHash;
  } catch {
    // It is nested too deeply to be serialized, so this server did not request it.
    return false;
  }
}

function hashOf(part: ToolPart): string {
  return createHash('sha256').update(canonicalJson(part)).digest('hex');
}
