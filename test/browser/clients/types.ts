import type { createClient } from '@supabase/supabase-js';
import type { UIMessage } from 'ai';

/** What a test calls in the page. The libraries are as they are published. */
export interface Clients {
  supabase: ReturnType<typeof createClient>;
  /** Shows a chat with `useChat`, as its documentation does. */
  showChat(options: ChatOptions): void;
}

export interface ChatOptions {
  id: string;
  messages: UIMessage[];
  token: string;
}
