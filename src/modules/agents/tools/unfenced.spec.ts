import { unfenced } from './unfenced.js';

const CODE = 'const a = 1;\nconsole.log(a);';
const TICKS = '```';

describe('unfenced', () => {
  it.each([
    ['a fence', `${TICKS}js\n${CODE}\n${TICKS}`],
    ['a fence without a language', `${TICKS}\n${CODE}\n${TICKS}\n`],
    ['tildes', `~~~js\n${CODE}\n~~~`],
    ['four marks', `${TICKS}\`js\n${CODE}\n${TICKS}\``],
    ['five tildes', `~~~~~\n${CODE}\n~~~~~`],
    ['attributes', `${TICKS}js title="a.js" {1,3-5} showLineNumbers\n${CODE}\n${TICKS}`],
    ['attributes of Pandoc', `${TICKS}{.js .numberLines startFrom="1"}\n${CODE}\n${TICKS}`],
    ['a language behind a space', `${TICKS} c++\n${CODE}\n${TICKS}`],
    ['a language with odd characters', `${TICKS}objective-c++.x#1\n${CODE}\n${TICKS}`],
    ['words before', `Here is the script you asked for:\n\n${TICKS}js\n${CODE}\n${TICKS}`],
    ['words behind', `${TICKS}js\n${CODE}\n${TICKS}\n\nIt prints a number. Let me know if you need more!`],
    ['words around', `Sure! Here's \`a.js\`:\n\n${TICKS}js\n${CODE}\n${TICKS}\n\nIt prints **1**.`],
    [
      'how to run it',
      `The script:\n${TICKS}js\n${CODE}\n${TICKS}\nRun it with\n${TICKS}sh\nnode a\n${TICKS}\n`,
    ],
    ['CRLF', `Here it is:\r\n${TICKS}js\r\n${CODE}\r\n${TICKS}\r\n`],
    ['an indented fence', `  ${TICKS}js\n${CODE}\n  ${TICKS}`],
    ['a fence that is not closed', `${TICKS}js\n${CODE}`],
    ['a fence that is closed behind the last words', `${TICKS}js\n${CODE}${TICKS}`],
    ['blank lines', `\n\n${TICKS}js\n${CODE}\n${TICKS}\n\n`],
  ])('takes code out of %s', (_, text) => {
    expect(unfenced('code', text)).toBe(CODE);
  });

  it('takes a sheet out of any surrounding text', () => {
    const sheet = 'item,price\n"tea, green",2';
    expect(unfenced('sheet', `Here is your sheet:\n\n~~~~csv\n${sheet}\n~~~~\n\nEnjoy.`)).toBe(sheet);
  });

  it.each([
    ['in a template', `const prompt = \`\nWrite it like this:\n${TICKS}js\n${CODE}\n${TICKS}\n\`;\n`],
    ['in a docstring', `"""Usage:\n\n${TICKS}\nrun()\n${TICKS}\n"""\nimport os\n`],
    ['in a comment', `/**\n * ${TICKS}js\n * run()\n * ${TICKS}\n */\nrun();`],
    ['behind code', `import os\n\n${TICKS}\nx\n${TICKS}\n`],
    [
      'of the same weight',
      `${TICKS}html\n<p>Hello there</p>\n${TICKS}\n${TICKS}css\np { color: red }\n${TICKS}`,
    ],
  ])('leaves fences in code: %s', (_, text) => {
    expect(unfenced('code', text)).toBe(text);
  });

  it('keeps the fences in what it takes out', () => {
    const inner = `# Use\n\n${TICKS}sh\nnpm i\n${TICKS}\n\nThen run it.`;
    expect(unfenced('code', `${TICKS}markdown\n${inner}\n${TICKS}`)).toBe(inner);
    expect(unfenced('text', `${TICKS}markdown\n${inner}\n${TICKS}`)).toBe(inner);
    const plain = inner.replace('sh', '');
    expect(unfenced('text', `${TICKS}\`md\n${plain}\n${TICKS}\``)).toBe(plain);
    expect(unfenced('text', `~~~markdown\n${plain}\n~~~\n`)).toBe(plain);
  });

  const TIDES = '# Tides\n\nThe moon pulls.';

  it.each([
    ['a fence', `${TICKS}markdown\n${TIDES}\n${TICKS}`],
    ['a fence without a language', `${TICKS}\n${TIDES}\n${TICKS}\n`],
    ['a fence that is announced', `Here is the document:\n\n${TICKS}md\n${TIDES}\n${TICKS}`],
    ['a fence with a farewell', `${TICKS}markdown\n${TIDES}\n${TICKS}\n\nLet me know if I should change it.`],
    ['a fence that is not closed', `${TICKS}markdown\n${TIDES}`],
  ])('takes a text out of %s', (_, text) => {
    expect(unfenced('text', text)).toBe(TIDES);
  });

  it.each([
    ['one in the middle', `# Use\n\n${TICKS}sh\nnpm i\n${TICKS}\n\nDone.`],
    ['one at the beginning', `${TICKS}sh\nnpm i\n${TICKS}\n\nThis installs it.`],
    ['one at the end', `Install it:\n\n${TICKS}sh\nnpm i\n${TICKS}`],
    ['one at both ends', `${TICKS}\na\n${TICKS}\n\nThen:\n\n${TICKS}\nb\n${TICKS}`],
    ['nothing but code', `${TICKS}js\n${CODE}\n${TICKS}`],
    [
      'an example of Markdown',
      `To make a heading, write\n\n${TICKS}markdown\n# Heading\n${TICKS}\n\nat its beginning.`,
    ],
    ['an example of Markdown first', `${TICKS}markdown\n# Heading\n${TICKS}\n\nThis makes a heading.`],
    ['none', TIDES],
    ['code within a sentence', `${TICKS}a${TICKS} is code.`],
  ])('leaves a text with fences as it is: %s', (_, text) => {
    expect(unfenced('text', text)).toBe(text);
  });

  it('reads long texts in time that grows with them', () => {
    for (const piece of ['```', '```\n', '```a\n', '~', ' \n', '`` `', '   ```js\n'])
      for (const kind of ['code', 'text'] as const) {
        const started = process.cpuUsage();
        unfenced(kind, piece.repeat(1_000_000 / piece.length));
        const { user, system } = process.cpuUsage(started);
        expect((user + system) / 1000).toBeLessThan(2_000);
      }
  });
});
