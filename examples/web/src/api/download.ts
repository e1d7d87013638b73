import { useNotices } from '../ui/notices.tsx';
import { useBackend } from './backend.tsx';

/** Downloads need the user's token, so a plain link does not work. */
export function useDownload(): (path: string, filename: string) => Promise<void> {
  const { send } = useBackend();
  const notices = useNotices();
  return async (path, filename) => {
    try {
      const response = await send(path);
      const url = URL.createObjectURL(await response.blob());
      const link = Object.assign(document.createElement('a'), { href: url, download: filename });
      link.click();
      URL.revokeObjectURL(url);
    } catch (error) {
      notices.fail(error);
    }
  };
}
