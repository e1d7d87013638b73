import { randomBytes, randomUUID } from 'node:crypto';
import { Decimal } from 'decimal.js';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { Script } from '../doubles/script.js';
import type { TestUser } from './app.js';
import { type Answer, type ChatApp, eventually } from './chat-app.js';

const PNG_START = Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');

/** An image that looks like a PNG, in base64. */
export const picture = (bytes = 300): string =>
  Buffer.concat([PNG_START, randomBytes(bytes)]).toString('base64');

export const draws = ({ wantsImage }: RecordedRequest) => wantsImage === true;
export const answers = ({ stream }: RecordedRequest) => stream;
export const NEW_IMAGE = { title: 'Lighthouse', kind: 'image', description: 'A lighthouse at night' };

/** A row of `usage_logs`, in figures. */
export interface UsageRow {
  model: string;
  provider: string;
  agent: string;
  input: number;
  output: number;
  inputCost: string;
  outputCost: string;
  totalCost: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert its shape
  metadata: any;
}

export const dataOf = ({ chunks }: Pick<Answer, 'chunks'>, type: string): unknown[] =>
  chunks.filter((chunk) => chunk.type === type).map(({ data }) => data as unknown);

/** What the reader is told about a failed tool. */
export const failureOf = ({ chunks }: Answer): string | undefined =>
  chunks.find(({ type }) => type === 'tool-output-error')?.errorText;

/** The artifact agent generating images for one user. */
export function drawing(app: ChatApp, user: TestUser) {
  /** The agent calls a tool, the image model responds as programmed, and the agent ends with `closing`. */
  function script(name: string, input: object, image: Script, { closing = 'Done.', times = 1 } = {}): void {
    app.double.enqueue({ toolCalls: [{ id: randomUUID(), name, input }] }, { when: answers });
    app.double.enqueue(image, { when: draws, times });
    app.double.enqueue({ text: [closing] }, { when: answers });
  }

  const say = (chatId: string, model = 'google/gemini-2.5-flash', headers?: Record<string, string>) =>
    app.say(user, chatId, 'Draw it', { body: { agent: 'artifact', model }, headers });

  async function create(content: string): Promise<string> {
    const body = { title: 'Lighthouse', kind: 'image', content };
    return (await app.request('POST', '/api/documents', { user, body })).body.id;
  }

  async function versionsOf(id: string): Promise<string[]> {
    const { body } = await app.request('GET', `/api/documents/${id}/versions?content=true`, { user });
    return body.items.map(({ content }: { content: string }) => content);
  }

  const rowsOf = (chatId: string): Promise<UsageRow[]> =>
    app.database.query(
      `select model_used as model, provider, agent_type as agent, input_tokens::int as input,
              output_tokens::int as output, input_cost::text as "inputCost", output_cost::text as "outputCost",
              total_cost::text as "totalCost", metadata
         from usage_logs where chat_id = $1 order by request_timestamp`,
      [chatId],
    );

  /** The rows of the images, after the figures of the whole chat were checked. */
  async function accountsOf(chatId: string, answer: Answer): Promise<UsageRow[]> {
    const rows = await eventually(async () => {
      const found = await rowsOf(chatId);
      const isOver = found.every(({ metadata }) => metadata.status !== undefined);
      return isOver && found.some(({ metadata }) => metadata.purpose === 'title') && found;
    });
    const sums = (of: UsageRow[]) => ({
      input: of.reduce((sum, { input }) => sum + input, 0),
      output: of.reduce((sum, { output }) => sum + output, 0),
      cost: of.reduce((sum, { totalCost }) => sum.plus(totalCost), new Decimal(0)).toFixed(6),
    });
    const { body: chat } = await app.request('GET', `/api/chats/${chatId}`, { user });
    expect({
      input: chat.totalInputTokens,
      output: chat.totalOutputTokens,
      cost: new Decimal(chat.totalCost).toFixed(6),
    }).toEqual(sums(rows));

    const { body: messages } = await app.request('GET', `/api/chats/${chatId}/messages`, { user });
    const { id, inputTokens, outputTokens, cost } = messages.items[1];
    const own = sums(rows.filter(({ metadata }) => metadata.messageId === id));
    expect({ input: inputTokens, output: outputTokens, cost: new Decimal(cost).toFixed(6) }).toEqual(own);
    expect(answer.chunks.at(-1).messageMetadata).toMatchObject({
      usage: { inputTokens: own.input, outputTokens: own.output, totalTokens: own.input + own.output },
    });
    expect(new Decimal(answer.chunks.at(-1).messageMetadata.cost).toFixed(6)).toBe(own.cost);

    const images = rows.filter(({ metadata }) => metadata.purpose === 'image');
    for (const { agent, metadata } of images) expect([agent, metadata.messageId]).toEqual(['artifact', id]);
    return images;
  }

  const drawings = () => app.double.requests.filter(draws);
  return { script, say, create, versionsOf, rowsOf, accountsOf, drawings };
}
