/** `node bench/dashboard/draw.ts <folder> <picture.png>`: draws the dashboard with what a recording has. */
import '../support/typescript.js';

const { draw } = await import('./drawing.js');
const [folder, picture] = process.argv.slice(2);
if (!folder || !picture) throw new Error('Say which recording, and where to: <folder> <picture.png>');
await draw(folder, picture);
