import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { useHashLocation } from 'wouter/use-hash-location';
import { BackendProvider, createBackend } from './api/backend.tsx';
import { ApiError, describeError } from './api/problem.ts';
import { loadSettings } from './api/settings.ts';
import { App } from './app.tsx';
import { SessionProvider } from './auth/session.tsx';
import { NoticesProvider } from './ui/notices.tsx';
import './styles/index.css';

const root = createRoot(document.getElementById('root')!);
const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // What the server has refused, it refuses again.
      retry: (count, error) => !(error instanceof ApiError && error.problem.status < 500) && count < 2,
    },
  },
});

try {
  const backend = createBackend(await loadSettings());
  root.render(
    <StrictMode>
      <QueryClientProvider client={queryClient}>
        <BackendProvider backend={backend}>
          <SessionProvider>
            <NoticesProvider>
              <Router hook={useHashLocation}>
                <App />
              </Router>
            </NoticesProvider>
          </SessionProvider>
        </BackendProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
} catch (error) {
  root.render(<p className="fatal">{describeError(error)}</p>);
}
