import { commentMark } from './demo-document.js';
import { fieldsIn } from './demo-prompt.js';

interface DemoSuggestion {
  originalText: string;
  suggestedText: string;
  description: string;
}

const MAX_SUGGESTIONS = 3;
const FILLER = /\b(?:really|very|just|quite|rather|actually|basically|simply)\s+/i;
const SENTENCE = /[^.!?\n]+[.!?]*/g;
const HEADING = /^#/;

/**
 * Improvements of passages that occur once.
 *
 * @param request JSON with the `text`
 * @returns JSON
 */
export function suggestImprovements(request: string): string {
  const { text } = fieldsIn(request);
  return JSON.stringify({ suggestions: typeof text === 'string' ? suggestionsFor(text) : [] });
}

function suggestionsFor(text: string): DemoSuggestion[] {
  const lines = text.split('\n').map((line) => line.trim());
  const isCode = lines.some((line) => /[;{}]$|^(?:def|import)\b/.test(line));
  const sentences = (text.match(SENTENCE) ?? []).map((sentence) => sentence.trim());
  const passages = isCode ? lines : sentences.filter((sentence) => !HEADING.test(sentence));
  const usable = passages.filter(
    (passage) => passage !== '' && text.indexOf(passage) === text.lastIndexOf(passage),
  );
  // Passages that can be shortened come before passages that can only be marked.
  return usable
    .toSorted((one, other) => Number(FILLER.test(other)) - Number(FILLER.test(one)))
    .slice(0, MAX_SUGGESTIONS)
    .map((passage) => (isCode ? commented(passage, commentMark(text)) : improved(passage)));
}

function improved(originalText: string): DemoSuggestion {
  if (FILLER.test(originalText)) {
    return {
      originalText,
      suggestedText: originalText.replace(FILLER, ''),
      description: 'It says the same without the filler. (From the demo model.)',
    };
  }
  const [, body = originalText, mark = '.'] = /^(.*?)([.!?]?)$/s.exec(originalText) ?? [];
  return {
    originalText,
    suggestedText: `${body} (for example)${mark || '.'}`,
    description: 'The demo model cannot judge a text; it only shows what a suggestion looks like.',
  };
}

function commented(originalText: string, mark: string): DemoSuggestion {
  return {
    originalText,
    suggestedText: `${originalText} ${mark} why?`,
    description: 'The demo model cannot judge code; it only shows what a suggestion looks like.',
  };
}
