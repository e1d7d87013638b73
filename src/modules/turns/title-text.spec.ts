import { firstWords, titleIn } from './title-text.js';

const PASTA = 'Cooking pasta';

describe('titleIn', () => {
  it.each([
    ['alone', PASTA],
    ['in quotation marks', `"${PASTA}"`],
    ['in other quotation marks', `“${PASTA}”`],
    ['in guillemets', `« ${PASTA} »`],
    ['in bold', `**${PASTA}**`],
    ['in italics and quotation marks', `*"${PASTA}"*`],
    ['as a heading', `# ${PASTA}\n`],
    ['behind a label', `Title: ${PASTA}`],
    ['behind a bold label', `**Title:** ${PASTA}`],
    ['behind a bold label without its colon', `**Title**: ${PASTA}`],
    ['all in bold with its label', `**Title: ${PASTA}**`],
    ['behind a label as a heading', `## Title: "${PASTA}"`],
    ['behind a label of another language', `Titel: ${PASTA}`],
    ['behind a label on a line of its own', `**Title:**\n\n${PASTA}`],
    ['in JSON', `{"title": "${PASTA}"}`],
    ['in JSON in a fence', `\`\`\`json\n{ "title": "${PASTA}" }\n\`\`\``],
    ['in JSON behind words', `Here it is: {"title":"\\"${PASTA}\\""}`],
    ['in a fence', `\`\`\`\n${PASTA}\n\`\`\``],
    ['behind thoughts', `<think>\nThe user wants "pasta".\n</think>\n\n${PASTA}`],
    ['behind thoughts of another name', `<thinking>Hm.</thinking>${PASTA}`],
    ['behind thoughts that nobody opened', `The user wants pasta.\n</think>\n${PASTA}`],
    ['before an explanation', `${PASTA}\n\nThis title sums up the message.`],
    ['with half of its quotation marks', `"${PASTA}`],
    ['with characters that no text can hold', `Cooking\u0000 pasta`],
  ])('finds a title %s', (_, answer) => {
    expect(titleIn(answer)).toBe(PASTA);
  });

  it.each([
    ['"Hello" vs "World"'],
    ['“Hello” and “World”'],
    ['*args and **kwargs'],
    ["'Tis the season"],
    ["Rock 'n' Roll"],
    ["The dogs' bowl"],
    ['C# and F#'],
    ['Was ist „Heimat“?'],
    ['Title deeds explained'],
    ['{curly} braces in Rust'],
    ['`git rebase` or `git merge`'],
    ['Wer schrieb »Faust«'],
    ['__init__ and __main__'],
  ])('leaves a title as it is: %s', (title) => {
    expect(titleIn(title)).toBe(title);
  });

  it.each([[''], ['""'], ['**'], ['<think>It is about'], ['```\n```'], ['{"title": ""}'], ['Title:'], ['…']])(
    'finds none in %j',
    (answer) => {
      expect(titleIn(answer)).toBe('');
    },
  );

  it('is not longer than a title, and ends no character in the middle', () => {
    const title = titleIn('🌱'.repeat(200));
    expect(Array.from(title)).toHaveLength(80);
    expect(title.endsWith('🌱…')).toBe(true);
    expect(firstWords(`  a\n\nb ${'c'.repeat(200)}`)).toBe(`a b ${'c'.repeat(75)}…`);
  });

  it('reads any answer in time that grows with it', () => {
    for (const piece of [
      '"',
      '" ',
      '*',
      '<think>',
      '</think',
      '{',
      '**Title:',
      ' ',
      '\n',
      '“',
      '# ',
      'Title: ',
    ])
      for (const read of [titleIn, firstWords]) {
        const started = process.cpuUsage();
        read(piece.repeat(1_000_000));
        read(`<think>${piece.repeat(1_000_000)}`);
        read(`x${piece.repeat(1_000_000)}x`);
        const { user, system } = process.cpuUsage(started);
        expect((user + system) / 1000).toBeLessThan(1_000);
      }
  });
});
