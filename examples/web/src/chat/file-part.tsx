import { useQuery } from '@tanstack/react-query';
import type { FileUIPart } from 'ai';
import { useBackend } from '../api/backend.tsx';
import { Icon } from '../ui/icon.tsx';

/** A file of a message. A message that was just sent has its path in storage, a loaded one a signed URL. */
export function FilePart({ part: { url, mediaType, filename } }: { part: FileUIPart }) {
  const { call } = useBackend();
  const isAddress = /^(?:https?|data|blob):/.test(url);
  const signed = useQuery({
    queryKey: ['file', url],
    queryFn: () => call<{ url: string }>(`/api/files/url?path=${encodeURIComponent(url)}`),
    enabled: !isAddress,
    staleTime: 300_000,
  });
  const source = isAddress ? url : signed.data?.url;
  const name = filename ?? 'File';
  if (mediaType.startsWith('image/')) {
    return source ? (
      <img className="message-image" src={source} alt={name} />
    ) : (
      <div className="message-image" />
    );
  }
  return (
    <a className="file-chip" href={source} target="_blank" rel="noreferrer">
      <Icon name="fileText" size={16} />
      {name}
    </a>
  );
}
