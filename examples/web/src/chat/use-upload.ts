import type { FileUIPart } from 'ai';
import { useBackend } from '../api/backend.tsx';
import type { Upload } from '../api/types.ts';

/** Uploads a file to storage. The part of the message has its path, not its content. */
export function useUpload(): (file: File) => Promise<FileUIPart> {
  const { call, supabase } = useBackend();
  return async (file) => {
    const mediaType = file.type || 'text/plain';
    const { path, token } = await call<Upload>('/api/files', {
      method: 'POST',
      body: { filename: file.name, contentType: mediaType, size: file.size },
    });
    const { error } = await supabase.storage
      .from('attachments')
      .uploadToSignedUrl(path, token, file, { contentType: mediaType });
    if (error) throw error;
    return { type: 'file', mediaType, filename: file.name, url: path };
  };
}
