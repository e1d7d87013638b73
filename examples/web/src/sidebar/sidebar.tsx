import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useBackend } from '../api/backend.tsx';
import { useMe, useSession } from '../auth/session.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { IconButton } from '../ui/icon-button.tsx';
import { Logo } from '../ui/logo.tsx';
import { setTheme, THEMES, useTheme } from '../ui/theme.ts';
import { ChatList } from './chat-list.tsx';

/** Chats and pages. On a phone it covers the page while it is open. */
export function Sidebar({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const me = useMe();
  const session = useSession();
  const { supabase } = useBackend();
  const [, navigate] = useLocation();
  const [query, setQuery] = useState('');
  return (
    <nav
      className={`sidebar ${isOpen ? 'sidebar-open' : ''}`}
      aria-label="Chats and pages"
      onClick={(event) => {
        if (event.target instanceof Element && event.target.closest('a')) onClose();
      }}
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <div className="sidebar-head">
        <Logo />
        <IconButton icon="close" label="Close the menu" className="sidebar-close" onClick={onClose} />
      </div>
      <button
        type="button"
        className="button button-wide"
        onClick={() => {
          navigate('/');
          onClose();
        }}
      >
        <Icon name="plus" />
        New chat
      </button>
      <label className="search">
        <Icon name="search" size={16} />
        <span className="visually-hidden">Search chats</span>
        <input
          type="search"
          placeholder="Search chats"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
        />
      </label>
      <ChatList query={query.trim()} />
      <div className="sidebar-foot">
        <PageLink to="/usage" icon="chart" label="Usage" />
        {me?.role === 'admin' && <PageLink to="/admin" icon="shield" label="Administration" />}
        <PageLink to="/settings" icon="settings" label="Settings" />
        <div className="account">
          <span className="account-email" title={session?.user.email}>
            {session?.user.email}
          </span>
          <ThemeButton />
          <IconButton icon="logOut" label="Sign out" onClick={() => void supabase.auth.signOut()} />
        </div>
      </div>
    </nav>
  );
}

function PageLink({ to, icon, label }: { to: string; icon: IconName; label: string }) {
  const [location] = useLocation();
  const isCurrent = location.startsWith(to);
  return (
    <Link href={to} className="page-link" aria-current={isCurrent ? 'page' : undefined}>
      <Icon name={icon} />
      {label}
    </Link>
  );
}

const THEME_ICONS = { system: 'monitor', light: 'sun', dark: 'moon' } as const;

function ThemeButton() {
  const theme = useTheme();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  return (
    <IconButton
      icon={THEME_ICONS[theme]}
      label={`Theme: ${theme}. Change to ${next}`}
      onClick={() => setTheme(next)}
    />
  );
}
