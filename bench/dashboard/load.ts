/** `node bench/dashboard/load.ts <folder> [minutes]`: lets people talk, and leaves what Prometheus saw in the folder. */
import '../support/typescript.js';

const { recordLoad } = await import('./recording.js');
const [folder, minutes = '12'] = process.argv.slice(2);
if (!folder)
  throw new Error('Say where Prometheus is to keep its data: node bench/dashboard/load.ts <folder>');
await recordLoad(folder, Number(minutes));
