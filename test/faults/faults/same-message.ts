import type { Fault } from '../fault.js';

const TIMES = 20;
const MESSAGES = 4;

/**
 * The same message arrives many times at once, at all servers: one question, one answer, and all clients read it. Each
 * server calls the model while it stores the question. It ends this call if another server has stored the question, and
 * may try once more before it sees the answer of the other.
 */
export const SAME_MESSAGE: Fault = {
  name: 'same message 20 times',
  rounds: 3,
  isShort: true,
  strike: async ({ stage, load, random }) => {
    const turns = Array.from({ length: MESSAGES }, () =>
      load.newTurn(random.pick(stage.users), undefined, 30),
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
