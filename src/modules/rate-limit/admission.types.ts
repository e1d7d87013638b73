import type { ExpectedCost } from '../usage/expected-cost.js';
import type { AgentType } from '../admin-config/config-schemas.js';

/** Requests of one user to one agent per hour and per day (UTC). 0 refuses all requests, and Infinity none. */
export interface RequestLimits {
  hourly: number;
  daily: number;
}

/** For runs that no user has requested. They are not counted either. */
export const NOT_COUNTED: RequestLimits = { hourly: Infinity, daily: Infinity };

/** USD that one user may spend with one agent per day and per month (UTC). A missing value means no limit. */
export interface Budget {
  daily?: number;
  monthly?: number;
}

export interface AdmissionRequest {
  userId: string;
  agentType: AgentType;
  /** The current configuration. A change applies from the next request on. */
  limits: RequestLimits;
  budget?: Budget;
  /** The expected cost in USD. It must fit into the budget, together with spending and the reservations of the user's other runs. */
  expectedCost: string | number;
  /** The highest possible cost in USD, reserved until the run ends. Absent if it equals the expected cost. */
  reservedCost?: string | number;
  /** The part of both costs that is for calls beside the first one, for example for a title. */
  besideCost?: number;
  /** What the first call alone costs, if the budget is large enough. */
  firstCost?: ExpectedCost;
  /**
   * True if the run only uses keys of its user so far. The budget is for the keys of the server, so it does not apply
   * before the run makes a call with one of them.
   */
  usesOwnKeys?: boolean;
}

/** How long a reservation lasts that is not renewed. After a crash, the reserved amount becomes free after this time. */
export const LEASE = '2 minutes';

/** The run to admit, as stored in its row. */
export interface AdmittedRun {
  id: string;
  /** The answer that the run writes. */
  messageId?: string;
  /** The calls that are sent together with the admission, by their ids, as JSON. */
  sentCalls?: string;
}

/** The reason for a refusal. */
export type Refusal = 'hourly' | 'daily' | 'daily_budget' | 'monthly_budget';

/** The answer of the database. `used` includes this request if it was admitted. */
export interface AdmissionResult {
  refusedBy: Refusal | null;
  /** True if the budget is only exceeded because of the reservations of running answers. */
  isHeld: boolean;
  /** False if the run to extend has already ended. */
  isReserved: boolean;
  hourlyUsed: number;
  dailyUsed: number;
  /** The seconds until the end of the hour, the day and the month. */
  hourlySeconds: number;
  dailySeconds: number;
  monthlySeconds: number;
  /** What the calls of the run may cost in USD that are not booked yet, as a decimal string. Null without a budget. */
  room: string | null;
}

/** What an admitted run requests in addition, before it spends it. */
export interface ExtensionRequest {
  userId: string;
  agentType: AgentType;
  runId: string;
  budget: Budget;
  /** The expected USD of the further call and of the run's own running calls. */
  expectedCost: string;
  /** The highest possible cost of the further call in USD. */
  reservedCost: string;
  /** The USD that the run had reserved for calls that are now booked. */
  freedCost: string;
}

/** One window of one agent, as shown to a user. */
export interface UsedWindow {
  agentType: AgentType;
  limitType: 'hourly' | 'daily';
  used: number;
  resetsAt: Date;
}

/** One window as stored. */
export interface CountedWindow {
  id: string;
  agentType: AgentType;
  limitType: 'hourly' | 'daily';
  periodStart: Date;
  periodEnd: Date;
  requestCount: number;
  /** The limit at the time of the latest request. */
  limitValue: number;
  createdAt: Date;
}
