import type { Fault } from '../fault.js';

const TIMES = 20;
const MESSAGES = 4;
/** The answers take longer than it takes to send all messages: the same message after the end is a new request. */
const WORDS = 120;

/**
 * The same message arrives many times at once, at all servers: one question, one answer, and all clients read it. A
 * client that is told that another answer is being written sends its message again. Each server may call the model before
 * it sees that another one has stored the question, and ends this call then.
 */
export const SAME_MESSAGE: Fault = {
  name: 'same message 20 times',
  rounds: 3,
  isShort: true,
  strike: async ({ stage, load, random }) => {
    const turns = Array.from({ length: MESSAGES }, () =>
      load.newTurn(random.pick(stage.users), undefined, WORDS),
    );
    await Promise.all(turns.flatMap((turn) => Array.from({ length: TIMES }, () => load.say(turn))));
    const calls = turns.map(
      ({ mark }) =>
        stage.double.requests.filter(({ stream, userText }) => stream && userText.includes(mark)).length,
    );
    if (calls.some((count) => count < 1 || count > 2 * stage.servers.length))
      load.complaints.push(`providers were called ${calls.join(', ')} times`);
  },
};
