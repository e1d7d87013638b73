import type { DocumentKind } from '../api/types.ts';
import type { ChatDataParts } from '../chat/chat-message.ts';

/** The document next to a chat. While it is written, its content comes from the stream. */
export interface ArtifactState {
  document?: { id: string; title: string; kind: DocumentKind };
  /** What has arrived of the version that is being written. */
  draft?: string;
}

type DataPart = {
  [Name in keyof ChatDataParts]: { type: `data-${Name}`; data: ChatDataParts[Name] };
}[keyof ChatDataParts];

export interface ArtifactStore {
  current: () => ArtifactState;
  subscribe: (listener: () => void) => () => void;
  open: (document: NonNullable<ArtifactState['document']>) => void;
  close: () => void;
  /** Closes a document that was not finished. The answer has what was written of it. */
  settle: () => void;
  /** Takes a part of the stream. */
  receive: (part: DataPart) => void;
}

/** @param onStored is called when a version or a suggestion was stored */
export function createArtifactStore(onStored: (documentId: string) => void): ArtifactStore {
  const listeners = new Set<() => void>();
  let state: ArtifactState = {};
  let coming: { id?: string; title?: string; kind?: DocumentKind } = {};

  const set = (next: ArtifactState) => {
    state = next;
    for (const listener of listeners) listener();
  };
  return {
    current: () => state,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    open: (document) => set({ document }),
    close: () => set({}),
    settle: () => {
      if (state.draft !== undefined) set({});
    },
    receive: (part) => {
      switch (part.type) {
        case 'data-kind':
          coming = { kind: part.data };
          break;
        case 'data-id':
          coming = { ...coming, id: part.data };
          break;
        case 'data-title':
          coming = { ...coming, title: part.data };
          break;
        case 'data-clear': {
          const { id, title, kind } = coming;
          if (id && title !== undefined && kind) set({ document: { id, title, kind }, draft: '' });
          break;
        }
        case 'data-textDelta':
          set({ ...state, draft: (state.draft ?? '') + part.data });
          break;
        // These come whole each time.
        case 'data-codeDelta':
        case 'data-sheetDelta':
        case 'data-imageDelta':
          set({ ...state, draft: part.data });
          break;
        case 'data-suggestion':
          if (state.document) onStored(state.document.id);
          break;
        case 'data-finish':
          if (state.document) onStored(state.document.id);
          set({ document: state.document });
          break;
        default:
      }
    },
  };
}
