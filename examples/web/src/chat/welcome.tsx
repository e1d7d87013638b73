import { Icon, type IconName } from '../ui/icon.tsx';

const STARTERS: ReadonlyArray<{ icon: IconName; title: string; text: string }> = [
  { icon: 'message', title: 'Explain', text: 'Explain how public-key cryptography works, with an analogy.' },
  { icon: 'fileText', title: 'Write', text: 'Write a one-page project plan for a community garden.' },
  { icon: 'code', title: 'Code', text: 'Write a Python script that finds duplicate files in a folder.' },
  { icon: 'table', title: 'Compare', text: 'Make a sheet that compares four electric bicycles.' },
];

/** The first screen of a new chat. */
export function Welcome({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <div className="welcome">
      <h2>What can I help you with?</h2>
      <ul className="starters">
        {STARTERS.map(({ icon, title, text }) => (
          <li key={title}>
            <button type="button" className="starter" onClick={() => onChoose(text)}>
              <Icon name={icon} />
              <strong>{title}</strong>
              <span>{text}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
