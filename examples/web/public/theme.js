// Runs before the first paint, so that a chosen theme does not flash. `src/ui/theme.ts` changes the choice.
try {
  const theme = localStorage.getItem('switchboard.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Without storage, the theme of the system applies.
}
