import type { Fault } from '../fault.js';

/** A server is told to end while it has streams, as in a rolling update, and is started again. */
function shutDownBy(signal: NodeJS.Signals, isShort: boolean): Fault {
  return {
    name: `${signal} with streams`,
    rounds: 3,
    isShort,
    strike: async ({ stage, load, random }) => {
      const leaving = random.pick(stage.servers);
      const code = await stage.stop(leaving, signal);
      if (code !== 0) load.complaints.push(`a server ended with code ${code} after ${signal}`);
      await stage.replace(leaving);
    },
  };
}

export const SHUT_DOWN: Fault[] = [shutDownBy('SIGTERM', true), shutDownBy('SIGHUP', false)];
