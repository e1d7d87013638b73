import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HEADER = 12;
const ANSWER = 16;
/** Response, recursion available. */
const FLAGS = 0x8180;

/** A name server that answers every question for an address of IPv4 with all its addresses, as that of Docker does. */
export class NameServer {
  readonly addresses = new Set<string>();
  private readonly socket: Socket;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('message', (question, { port, address }) =>
      socket.send(this.answerTo(question), port, address),
    );
  }

  static async start(): Promise<NameServer> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new NameServer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  close(): void {
    this.socket.close();
  }

  private answerTo(question: Buffer): Buffer {
    // The name ends with an empty label; its type and class follow.
    const asked = question.subarray(HEADER, question.indexOf(0, HEADER) + 5);
    const header = Buffer.alloc(HEADER);
    question.copy(header, 0, 0, 2);
    header.writeUInt16BE(FLAGS, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(this.addresses.size, 6);
    const answers = [...this.addresses].map((address) => {
      const answer = Buffer.alloc(ANSWER);
      // The name of the question, an address of the internet, for no time.
      answer.writeUInt16BE(0xc000 | HEADER, 0);
      answer.writeUInt16BE(1, 2);
      answer.writeUInt16BE(1, 4);
      answer.writeUInt16BE(4, 10);
      answer.set(address.split('.').map(Number), 12);
      return answer;
    });
    return Buffer.concat([header, asked, ...answers]);
  }
}
