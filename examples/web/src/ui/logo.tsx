/** The mark of the application with its name. */
export function Logo() {
  return (
    <span className="logo">
      <svg width="28" height="28" viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="9" className="logo-ground" />
        <path d="M9 11h5c5 0 4 10 9 10" className="logo-wire" />
        <circle cx="9" cy="11" r="2.8" className="logo-on" />
        <circle cx="23" cy="21" r="2.8" className="logo-on" />
        <circle cx="23" cy="11" r="2.8" className="logo-off" />
        <circle cx="9" cy="21" r="2.8" className="logo-off" />
      </svg>
      Switchboard
    </span>
  );
}
