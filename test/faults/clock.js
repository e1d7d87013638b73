/**
 * Preloaded into the servers. SIGUSR2 lets their clock jump: ten minutes ahead, then ten minutes behind, then back. Timers
 * and `performance.now()` go on, as they do when a machine sets its clock.
 */
const MINUTES = [10, -10, 0];
const RealDate = Date;
let jumps = 0;
let offset = 0;

globalThis.Date = class Date extends RealDate {
  constructor(...values) {
    if (values.length === 0) super(RealDate.now() + offset);
    else super(...values);
  }

  static now() {
    return RealDate.now() + offset;
  }
};

process.on('SIGUSR2', () => {
  offset = MINUTES[jumps++ % MINUTES.length] * 60_000;
});
