import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Icon, type IconName } from './icon.tsx';
import { IconButton } from './icon-button.tsx';

export interface MenuItem {
  icon: IconName;
  label: string;
  onSelect: () => void;
  isDanger?: boolean;
}

/** A button that opens a list of actions. Arrow keys move between them, and Escape closes the list. */
export function Menu({ label, items, icon = 'more' }: { label: string; items: MenuItem[]; icon?: IconName }) {
  const [isOpen, setIsOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const listId = useId();

  useEffect(() => {
    if (!isOpen) return undefined;
    root.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus();
    const closeOutside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setIsOpen(false);
    };
    document.addEventListener('pointerdown', closeOutside);
    return () => document.removeEventListener('pointerdown', closeOutside);
  }, [isOpen]);

  const close = () => {
    setIsOpen(false);
    root.current?.querySelector('button')?.focus();
  };
  const move = (step: number) => {
    const all = [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const index = all.indexOf(document.activeElement as HTMLElement);
    all.at((index + step) % all.length)?.focus();
  };

  return (
    <div
      className="menu"
      ref={root}
      onKeyDown={(event) => {
        if (!isOpen) return;
        if (event.key === 'Escape' || event.key === 'Tab') close();
        else if (event.key === 'ArrowDown') move(1);
        else if (event.key === 'ArrowUp') move(-1);
        else return;
        if (event.key !== 'Tab') event.preventDefault();
      }}
    >
      <IconButton
        icon={icon}
        label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? listId : undefined}
        onClick={() => setIsOpen(!isOpen)}
      />
      {isOpen && (
        <div className="menu-list" role="menu" id={listId} aria-label={label}>
          {items.map((item) => (
            <MenuButton key={item.label} item={item} onSelect={close} />
          ))}
        </div>
      )}
    </div>
  );
}

function MenuButton({ item, onSelect }: { item: MenuItem; onSelect: () => void }): ReactNode {
  return (
    <button
      type="button"
      role="menuitem"
      className={item.isDanger ? 'danger' : ''}
      onClick={() => {
        onSelect();
        item.onSelect();
      }}
    >
      <Icon name={item.icon} size={16} />
      {item.label}
    </button>
  );
}
