/** Waits for `work`, but no longer than `milliseconds`, and only until the signal aborts. */
export async function withPatience(
  work: Promise<void> | undefined,
  milliseconds: number,
  signal?: AbortSignal,
): Promise<void> {
  if (!work || signal?.aborted) return;
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([work, patience]).finally(() => clearTimeout(timer));
}
