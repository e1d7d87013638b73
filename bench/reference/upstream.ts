import { Agent, type IncomingMessage, request } from 'node:http';

const MODEL = 'gemini-2.5-flash';
const SMALL_MODEL = 'gemini-2.5-flash-lite';
const INSTRUCTIONS =
  'You are a helpful assistant. Answer in the language of the user. Be accurate and to the point; use Markdown where it helps. Say so when you do not know something.';
/** The double recognizes a title call by these words. */
const TITLE_INSTRUCTIONS = 'Write a short title for a chat that begins with the message you are given.';

/** The double recognizes a routing call by these words. */
const ROUTING_INSTRUCTIONS = "You decide which agent answers the user's message.";

/** Body of `POST /api/chat`: the fields that the references read. */
export interface SendBody {
  id: string;
  message: { id: string; role: 'user'; parts: Array<{ type: 'text'; text: string }> };
}

/** The same requests that Switchboard sends to Gemini, with as little overhead as Node allows. */
export class Upstream {
  private readonly baseUrl: string;
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: Infinity });

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  stream(text: string): Promise<IncomingMessage> {
    return this.post(`models/${MODEL}:streamGenerateContent?alt=sse`, bodyOf(text, INSTRUCTIONS));
  }

  title(text: string): Promise<string> {
    return this.generate(text, TITLE_INSTRUCTIONS);
  }

  route(text: string): Promise<string> {
    return this.generate(JSON.stringify({ message: text }), ROUTING_INSTRUCTIONS);
  }

  private async generate(text: string, instructions: string): Promise<string> {
    const response = await this.post(`models/${SMALL_MODEL}:generateContent`, bodyOf(text, instructions));
    const pieces: Buffer[] = [];
    for await (const piece of response) pieces.push(piece as Buffer);
    return readFrame(Buffer.concat(pieces).toString('utf8')).text;
  }

  private post(path: string, body: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const call = request(`${this.baseUrl}/${path}`, {
        method: 'POST',
        agent: this.agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'x-goog-api-key': 'bench-key',
        },
      });
      call.once('error', reject);
      call.once('response', (response) => {
        if (response.statusCode === 200) resolve(response);
        else reject(new Error(`upstream answered ${response.statusCode}`));
      });
      call.end(body);
    });
  }
}

export interface Frame {
  text: string;
  inputTokens: number;
  outputTokens: number;
}

/** Combines the frames of a streamed answer into one. */
export function readAnswer(answer: string): Frame {
  const whole: Frame = { text: '', inputTokens: 0, outputTokens: 0 };
  for (const line of answer.split('\n')) {
    if (!line.startsWith('data: ')) continue;
    const { text, inputTokens, outputTokens } = readFrame(line.slice(6));
    whole.text += text;
    whole.inputTokens = inputTokens;
    whole.outputTokens = outputTokens;
  }
  return whole;
}

export function textOf({ message }: SendBody): string {
  return message.parts.map(({ text }) => text).join('');
}

function bodyOf(text: string, instructions: string): string {
  return JSON.stringify({
    generationConfig: {},
    contents: [{ role: 'user', parts: [{ text }] }],
    systemInstruction: { parts: [{ text: instructions }] },
  });
}

interface GoogleFrame {
  candidates: Array<{ content: { parts: Array<{ text?: string }> } }>;
  usageMetadata?: { promptTokenCount?: number; candidatesTokenCount?: number };
}

function readFrame(json: string): Frame {
  const { candidates, usageMetadata } = JSON.parse(json) as GoogleFrame;
  return {
    text: candidates[0]?.content.parts[0]?.text ?? '',
    inputTokens: usageMetadata?.promptTokenCount ?? 0,
    outputTokens: usageMetadata?.candidatesTokenCount ?? 0,
  };
}
