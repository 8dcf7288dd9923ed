// One button that goes through the themes.
import { pageTexts } from "./texts";
import { nextTheme, type Theme } from "./theme";

export function ThemeSwitch({ theme, onChange }: { theme: Theme; onChange: (theme: Theme) => void }) {
  const label = pageTexts.theme[theme];
  return (
    <button type="button" class="theme-switch" aria-label={label} title={label} onClick={() => onChange(nextTheme(theme))}>
      <svg width="18" height="18" viewBox="0 0 18 18" fill="none" stroke="currentColor" stroke-width="1.5" aria-hidden="true">
        {SIGNS[theme]}
      </svg>
    </button>
  );
}

const SIGNS = {
  auto: (
    <>
      <circle cx="9" cy="9" r="6" />
      <path d="M9 3a6 6 0 0 1 0 12z" fill="currentColor" stroke="none" />
    </>
  ),
  light: (
    <>
      <circle cx="9" cy="9" r="3.25" />
      <path
        d="M9 1.5v1.75M9 14.75v1.75M1.5 9h1.75M14.75 9h1.75M3.7 3.7l1.2 1.2M13.1 13.1l1.2 1.2M14.3 3.7l-1.2 1.2M4.9 13.1l-1.2 1.2"
        stroke-linecap="round"
      />
    </>
  ),
  dark: <path d="M15 10.8A6.25 6.25 0 1 1 7.2 3a5 5 0 0 0 7.8 7.8z" stroke-linejoin="round" />,
};
