/** `node bench/dashboard/load.ts <folder> [minutes]`: simulates users, and leaves Prometheus's data in the folder. */
import '../support/typescript.js';

const { recordLoad } = await import('./recording.js');
const [folder, minutes = '12'] = process.argv.slice(2);
if (!folder) throw new Error('Usage: node bench/dashboard/load.ts <folder> [minutes]');
await recordLoad(folder, Number(minutes));
