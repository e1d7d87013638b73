import { lazy, Suspense, useState } from 'react';
import { ErrorBoundary } from 'react-error-boundary';
import { useLocation, useRoute } from 'wouter';
import { SignIn } from './auth/sign-in.tsx';
import { useMe, useSession } from './auth/session.tsx';
import { ChatPage } from './chat/chat-page.tsx';
import { Sidebar } from './sidebar/sidebar.tsx';
import { IconButton } from './ui/icon-button.tsx';
import { Loading } from './ui/loading.tsx';
import { newId } from './ui/new-id.ts';
import { PageFailure } from './ui/page-failure.tsx';

// Charts, editors and forms are large. They are loaded when they are needed.
const UsagePage = lazy(() =>
  import('./usage/usage-page.tsx').then(({ UsagePage }) => ({ default: UsagePage })),
);
const SettingsPage = lazy(() =>
  import('./settings/settings-page.tsx').then(({ SettingsPage }) => ({ default: SettingsPage })),
);
const AdminPage = lazy(() =>
  import('./admin/admin-page.tsx').then(({ AdminPage }) => ({ default: AdminPage })),
);

export function App() {
  const session = useSession();
  if (session === undefined) return <Loading />;
  return session ? <Shell key={session.user.id} /> : <SignIn />;
}

function Shell() {
  const [location] = useLocation();
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const closeMenu = () => setIsMenuOpen(false);
  return (
    <div className={`shell ${isMenuOpen ? 'shell-menu-open' : ''}`}>
      <a className="skip-link" href="#main" onClick={skipToMain}>
        Skip to the content
      </a>
      <Sidebar isOpen={isMenuOpen} onClose={closeMenu} />
      {isMenuOpen && <div className="shell-shade" onClick={closeMenu} />}
      <main id="main" className="shell-main" tabIndex={-1}>
        <IconButton
          icon="menu"
          label="Open the menu"
          className="shell-menu-button"
          aria-expanded={isMenuOpen}
          onClick={() => setIsMenuOpen(true)}
        />
        <ErrorBoundary FallbackComponent={PageFailure} resetKeys={[location]}>
          <Suspense fallback={<Loading />}>
            <CurrentPage />
          </Suspense>
        </ErrorBoundary>
      </main>
    </div>
  );
}

/** The hash is the address of the page, so the link must not change it. */
function skipToMain(event: React.MouseEvent) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function CurrentPage() {
  const [location, navigate] = useLocation();
  const [, chat] = useRoute('/chats/:id');
  const [, admin] = useRoute('/admin/:tab?');
  const [draftId, setDraftId] = useState(newId);
  const me = useMe();

  if (location === '/usage') return <UsagePage />;
  if (location === '/settings') return <SettingsPage />;
  if (admin) return me && <AdminPage isAdmin={me.role === 'admin'} tab={admin.tab ?? 'config'} />;
  const chatId = chat?.id ?? draftId;
  return (
    <ChatPage
      key={chatId}
      chatId={chatId}
      isNew={!chat}
      // The chat keeps its id, so nothing is mounted anew when it gets its address.
      onStart={() => {
        navigate(`/chats/${chatId}`, { replace: true });
        setDraftId(newId());
      }}
    />
  );
}
