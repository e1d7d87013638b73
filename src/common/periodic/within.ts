/**
 * The result of `work`, or that of `late` if it takes longer. The work goes on then, and may fail unnoticed.
 *
 * @param milliseconds how long to wait
 */
export async function within<T, L>(milliseconds: number, work: Promise<T>, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds))).then(late);
  return Promise.race([work, patience]).finally(() => clearTimeout(timer));
}
