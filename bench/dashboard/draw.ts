/** `node bench/dashboard/draw.ts <folder> <picture.png>`: draws the dashboard with the data of a recording. */
import '../support/typescript.js';

const { draw } = await import('./drawing.js');
const [folder, picture] = process.argv.slice(2);
if (!folder || !picture) throw new Error('Usage: node bench/dashboard/draw.ts <folder> <picture.png>');
await draw(folder, picture);
