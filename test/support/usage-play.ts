import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { UIMessageChunk } from 'ai';
import type { Fault, Script } from '../doubles/script.js';
import { ADDRESS, answered, ISSUE } from './approvals.js';
import { eventually, textOfChunks, userMessage } from './chat-app.js';
import { type GithubApp, TOKEN_HEADER } from './github-app.js';
import { picture } from './drawing.js';
import { addOldMessages, compacted } from './long-chats.js';
import { readChat, stop, storedAnswer } from './turns.js';
import type { CallKind, Lane, Random } from './usage-ledger.js';

/** How the reader of an answer behaves. */
type Ending = 'read' | 'stopped' | 'silenced' | 'raced' | 'left';
type Scripts = Lane['scripts'];
interface TurnOptions {
  agent?: string;
  ending?: Ending;
  model?: string;
  action?: 'say' | 'edit' | 'regenerate';
  body?: object;
  /** Media types and contents in base64. */
  files?: Array<[mediaType: string, content: string]>;
}

/** A model that an administrator allows without an entry in the catalog. */
export const UNPRICED = 'openai/gpt-4o-unpriced';
const PDF: [string, string] = [
  'application/pdf',
  Buffer.from('%PDF-1.7\n<< /Type /Pages /Count 3 >>\n%%EOF').toString('base64'),
];

const MODELS = [
  'google/gemini-2.5-pro',
  'google/gemini-2.5-flash',
  'openai/gpt-4.1',
  'openai/gpt-5-mini',
  'anthropic/claude-sonnet-4-5',
  'anthropic/claude-opus-4-6',
];
const DRAWING = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini'];
const THINKING = ['google/gemini-2.5-pro', 'openai/gpt-5-mini', 'anthropic/claude-sonnet-4-5'];
const AGENTS = ['chat', 'artifact', 'git_mcp'];
const PROVIDERS = ['google', 'openai', 'anthropic'];
const SLOW = { text: ['Some ', 'words ', 'that ', 'come ', 'one ', 'by ', 'one'], chunkDelayMs: 25 };

const fails = (...faults: Fault[]): Script[] => faults.map((fault) => ({ fault }));
const status = (code: 400 | 429 | 500 | 503, retryAfterSeconds?: number): Fault => ({
  type: 'status',
  status: code,
  retryAfterSeconds,
});
const calls = (...named: Array<[name: string, input: object]>): Script => ({
  toolCalls: named.map(([name, input]) => ({ id: `call-${randomUUID().slice(0, 8)}`, name, input })),
});

/** Everything that can happen, each as one step of a chat. */
export class UsagePlay {
  private readonly app: GithubApp;
  private readonly random: Random;

  constructor(app: GithubApp, random: Random) {
    this.app = app;
    this.random = random;
  }

  /** The steps by name. None of them fails because of a provider, a reader or a user. */
  readonly steps: Record<string, (lane: Lane) => Promise<void>> = {
    'an answer': (lane) => this.turn(lane),
    'an answer with thoughts': (lane) =>
      this.turn(
        lane,
        { agent: [{ reasoning: ['Let me ', 'see.'] }] },
        { model: this.random.pick(THINKING), body: { thinking: true } },
      ),
    'another answer': (lane) => this.turn(lane, {}, { action: 'regenerate' }),
    'an edited question': (lane) => this.turn(lane, {}, { action: 'edit' }),
    'one retry': (lane) => this.turn(lane, { agent: fails(status(429)) }),
    'two retries': (lane) =>
      this.turn(lane, { agent: fails(status(503), { type: 'reset-before-first-byte' }) }),
    'a retry of a stream that said nothing': (lane) =>
      this.turn(lane, { agent: fails({ type: 'reset-after', chunks: 0 }) }),
    'too many retries': (lane) => this.turn(lane, { agent: fails(status(500), status(429), status(503)) }),
    'a refusal': (lane) => this.turn(lane, { agent: fails(status(400)) }),
    'a refusal that asks for patience': (lane) => this.turn(lane, { agent: fails(status(429, 60)) }),
    'a stream that ends': (lane) =>
      this.turn(lane, { agent: fails({ type: 'half-close', chunks: this.random.int(4) + 1 }) }),
    'a stream that fails': (lane) => this.turn(lane, { agent: fails({ type: 'error-frame', chunks: 2 }) }),
    'a stream that is reset': (lane) => this.turn(lane, { agent: fails({ type: 'reset-after', chunks: 2 }) }),
    'an empty answer': (lane) => this.turn(lane, { agent: fails({ type: 'empty' }) }),
    'an answer without figures': (lane) =>
      this.turn(lane, { agent: fails({ type: 'usage-lies', lie: 'missing' }) }),
    'an answer that never begins': (lane) =>
      this.turn(lane, { agent: fails({ type: 'stall-before-first-byte' }) }),
    'an answer that stalls': (lane) => this.turn(lane, { agent: fails({ type: 'stall-after', chunks: 2 }) }),
    'an answer of a model without a price': (lane) => this.turn(lane, {}, { model: UNPRICED }),
    'a question about a picture': (lane) => this.turn(lane, {}, { files: [['image/png', picture(20_000)]] }),
    'a question about a document that is stopped': (lane) =>
      this.turn(
        lane,
        { agent: fails({ type: 'stall-before-first-byte' }) },
        { ending: 'silenced', files: [PDF] },
      ),
    'a stop': (lane) => this.turn(lane, { agent: [{ pauseAfter: 2 }] }, { ending: 'stopped' }),
    'a stop before the first word': (lane) =>
      this.turn(lane, { agent: fails({ type: 'stall-before-first-byte' }) }, { ending: 'silenced' }),
    'a stop at any time': (lane) => this.turn(lane, { agent: [SLOW] }, { ending: 'raced' }),
    'a stop during retries': (lane) =>
      this.turn(lane, { agent: [...fails(status(500), status(500)), SLOW] }, { ending: 'raced' }),
    'a reader who leaves': (lane) => this.turn(lane, { agent: [SLOW] }, { ending: 'left' }),
    'a long chat that is summarized': (lane) => this.summarize(lane),
    'a summary at the second attempt': (lane) => this.summarize(lane, fails(status(503))),
    'a summary that is refused': (lane) => this.summarize(lane, fails(status(400))),
    'a summary that breaks off': (lane) => this.summarize(lane, fails({ type: 'half-close', chunks: 1 })),
    'a title that fails': (lane) => this.turn(lane, { title: fails(status(400)) }),

    'a document': (lane) => this.write(lane),
    'two documents at once': (lane) =>
      this.artifact(lane, [calls(this.creates(lane, 'text'), this.creates(lane, 'code'))]),
    'a change': async (lane) => this.change(lane, await this.document(lane)),
    'a document that breaks off': (lane) =>
      this.write(lane, { writer: fails({ type: 'error-frame', chunks: 2 }) }),
    'a document at the second attempt': (lane) => this.write(lane, { writer: fails(status(503)) }),
    'a document that is stopped': (lane) =>
      this.write(lane, { writer: [{ pauseAfter: 2 }] }, { ending: 'stopped' }),
    'a document that is stopped at any time': (lane) =>
      this.write(lane, { writer: [SLOW] }, { ending: 'raced' }),
    suggestions: async (lane) => {
      const id = await this.document(lane);
      await this.artifact(lane, [calls(['requestSuggestions', { id }])]);
    },
    'a picture': (lane) => this.draw(lane, {}),
    'a picture that is refused': (lane) => this.draw(lane, { finishReason: 'content-filter' }),
    'a picture at the second attempt': (lane) => this.draw(lane, { fault: status(503) }),
    'a changed picture': async (lane) => {
      const id = await this.document(lane, 'image', picture());
      const image = [{ imageInput: 323 }];
      await this.change(lane, id, { image }, { model: this.random.pick(DRAWING) });
    },

    'a question about the repository': (lane) => this.git(lane, [this.reads(), this.reads()]),
    'a write that is approved': (lane) => this.ask(lane, true),
    'a write that is denied': (lane) => this.ask(lane, false),
    'a write that is left alone': (lane) => this.ask(lane),

    'a routed answer': (lane) => this.turn(lane, {}, { agent: 'auto' }),
    'a routed document': (lane) => this.route(lane, '{"agent":"artifact","reason":"A document."}'),
    'a route to nowhere': (lane) => this.route(lane, 'I do not know'),
    'a route that fails': (lane) =>
      this.turn(lane, { routing: fails(status(400)) }, { agent: 'auto', model: this.random.pick(MODELS) }),
    'a route that is stopped': (lane) =>
      this.turn(lane, { routing: [{ firstDelayMs: 60 }], agent: [SLOW] }, { agent: 'auto', ending: 'raced' }),

    'suggestions without a chat': (lane) => this.suggest(lane, {}, 201),
    'suggestions of no use': (lane) => this.suggest(lane, { text: ['No idea.'] }, 502),
    'a test of a configuration': (lane) => this.tryOut(lane, {}, 200),
    'a test at the second attempt': (lane) => this.tryOut(lane, { fault: status(503) }, 200),
    'a test that fails': (lane) => this.tryOut(lane, { fault: status(400) }, undefined),
  };

  private async turn(lane: Lane, scripts: Scripts = {}, options: TurnOptions = {}): Promise<void> {
    const { app, random } = this;
    const {
      ending = 'read',
      agent = 'chat',
      model = random.pick(MODELS),
      action = 'say',
      body,
      files = [],
    } = options;
    this.begin(lane, { ...scripts }, { raced: ending === 'raced' });
    const { user, chatId, questions } = lane;
    let what: object = { trigger: 'regenerate-message' };
    if (action !== 'regenerate' || questions.length === 0) {
      if (action === 'edit' && questions.length > 0) questions.splice(random.int(questions.length) + 1);
      else questions.push(randomUUID());
      const question = userMessage(`${lane.mark} What about it?`, questions.at(-1));
      for (const [mediaType, content] of files)
        question.parts.push({ type: 'file', mediaType, url: `data:${mediaType};base64,${content}` });
      what = { message: question };
    }
    const own: Record<string, string> =
      random.int(3) === 0 ? { 'x-google-api-key': 'own', 'x-openai-api-key': 'own' } : {};
    const opening = app.open(
      user,
      { id: chatId, model, agent, ...what, ...body },
      { headers: { ...TOKEN_HEADER, ...own } },
    );
    if (ending === 'silenced' || ending === 'raced') {
      if (ending === 'raced') await sleep(random.int(300));
      else await this.untilHeld(lane);
      // A turn that has ended, or has not yet started, cannot be stopped.
      await app.request('POST', `/api/chat/${chatId}/stop`, { user });
    }
    const reader = await opening;
    if (ending === 'stopped') {
      await reader.until((chunks) => contentOf(chunks).endsWith('words '));
      await stop(app, user, chatId);
    }
    if (ending === 'left') {
      await reader.until((chunks) => chunks.some(({ type }) => type === 'text-delta'));
      await reader.leave();
      await eventually(async () => !(await readChat(app, user, chatId)).isStreaming);
    } else await reader.rest();
    this.note(lane, reader.chunks);
  }

  /** Many messages make a summary due, however short they are. */
  private async summarize(lane: Lane, compaction: Script[] = []): Promise<void> {
    const { app } = this;
    await this.turn(lane);
    await addOldMessages(app, lane.chatId, { count: 320, text: `Before ${lane.mark}` });
    await this.turn(lane, { compaction });
    await compacted(app, lane.user);
  }

  private begin(lane: Lane, scripts: Scripts, step: Partial<Lane['step']> = {}): void {
    lane.scripts = scripts;
    lane.step = { name: lane.step.name, user: lane.user, raced: false, withoutChat: false, ...step };
  }

  private note({ step }: Lane, chunks: object[]): void {
    for (const chunk of chunks as Array<{ type: string; messageId?: string; messageMetadata?: unknown }>) {
      if (chunk.type === 'start') step.answerId = chunk.messageId;
      if (chunk.type === 'finish') step.metadata = chunk.messageMetadata as typeof step.metadata;
    }
  }

  private untilHeld({ mark }: Lane): Promise<void> {
    return this.app.double.until(() =>
      this.app.double.requests.some(({ state, userText }) => state === 'held' && userText.includes(mark)),
    );
  }

  private artifact(lane: Lane, agent: Script[], scripts: Scripts = {}, options: TurnOptions = {}) {
    return this.turn(lane, { agent, ...scripts }, { agent: 'artifact', ...options });
  }

  private creates({ mark }: Lane, kind: string): [string, object] {
    return ['createDocument', { title: `Notes ${mark}`, kind, description: `A few words ${mark}` }];
  }

  private write(lane: Lane, scripts: Scripts = {}, options: TurnOptions = {}): Promise<void> {
    return this.artifact(lane, [calls(this.creates(lane, 'text'))], scripts, options);
  }

  private draw(lane: Lane, image: Script): Promise<void> {
    const model = this.random.pick(DRAWING);
    return this.artifact(lane, [calls(this.creates(lane, 'image'))], { image: [image] }, { model });
  }

  private change(lane: Lane, id: string, scripts: Scripts = {}, options: TurnOptions = {}): Promise<void> {
    const agent = [calls(['updateDocument', { id, description: `More of it ${lane.mark}` }])];
    return this.artifact(lane, agent, scripts, { ...options, body: { documentId: id } });
  }

  private route(lane: Lane, choice: string): Promise<void> {
    const agent = [calls(this.creates(lane, 'text'))];
    return this.turn(lane, { routing: [{ text: [choice] }], agent }, { agent: 'auto' });
  }

  private reads = () => calls(['get_file_contents', { ...ADDRESS, path: 'README.md' }]);

  private git(lane: Lane, agent: Script[]): Promise<void> {
    const { repositoryId } = lane;
    return this.turn(lane, { agent }, { agent: 'git_mcp', body: { repositoryId } });
  }

  /** Asks for a write. If the user decides, the same answer continues. */
  private async ask(lane: Lane, approved?: boolean): Promise<void> {
    await this.git(lane, [calls(['create_issue', ISSUE])]);
    if (approved === undefined) return;
    const { app } = this;
    const message = await storedAnswer(app, lane.user, lane.chatId);
    const body = { id: lane.chatId, message: answered(message, approved) };
    const { status: code, chunks, problem } = await app.post(lane.user, body, { headers: TOKEN_HEADER });
    if (code !== 200) throw new Error(`the approval was answered with ${JSON.stringify(problem)}`);
    this.note(lane, chunks);
  }

  private async document(lane: Lane, kind = 'text', content = `Plain ${lane.mark} words.`): Promise<string> {
    const body = { title: `Notes ${lane.mark}`, kind, content };
    return (await this.app.request('POST', '/api/documents', { user: lane.user, body })).body.id;
  }

  private async suggest(lane: Lane, editor: Script, expected: number): Promise<void> {
    const id = await this.document(lane);
    this.begin(lane, { editor: [editor] }, { withoutChat: true });
    const path = `/api/documents/${id}/suggestions`;
    const response = await this.app.request('POST', path, { user: lane.user, body: {} });
    if (response.status !== expected) throw new Error(response.text);
  }

  private async tryOut(lane: Lane, script: Script, expected: number | undefined): Promise<void> {
    const { random, app } = this;
    const agent = random.pick([...AGENTS, 'routing']);
    const key = agent === 'routing' ? 'routing_agent' : `${agent}_agent_${random.pick(PROVIDERS)}`;
    const kind: CallKind = agent === 'routing' ? 'routing' : 'agent';
    this.begin(lane, { [kind]: [script] }, { withoutChat: true, user: app.admin });
    const body = { prompt: `Are you there? ${lane.mark}` };
    const response = await app.request('POST', `/api/admin/config/${key}/test`, { user: app.admin, body });
    if (expected !== undefined && response.status !== expected) throw new Error(response.text);
  }
}

/** The text so far. */
function contentOf(chunks: UIMessageChunk[]): string {
  const drafts = chunks.map((chunk) => (chunk.type === 'data-textDelta' ? String(chunk.data) : ''));
  return `${textOfChunks(chunks)}${drafts.join('')}`;
}
