// Line icons, drawn here so that nothing has to be fetched.
import type { ComponentChildren } from "preact";
import type { Kind } from "../protocol/source";

function Icon({ children, size = 16 }: { children: ComponentChildren; size?: number }) {
  return (
    <svg
      class="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.5"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {children}
    </svg>
  );
}

export const SendIcon = () => (
  <Icon size={18}>
    <path d="M8 13V3M3.5 7.5 8 3l4.5 4.5" />
  </Icon>
);

export const StopIcon = () => (
  <Icon size={18}>
    <rect x="4.25" y="4.25" width="7.5" height="7.5" rx="1.25" fill="currentColor" stroke="none" />
  </Icon>
);

export const NewIcon = () => (
  <Icon>
    <path d="M8 2.75H4A1.25 1.25 0 0 0 2.75 4v8A1.25 1.25 0 0 0 4 13.25h8A1.25 1.25 0 0 0 13.25 12V8M7 9l.4-1.9 5-5 1.5 1.5-5 5z" />
  </Icon>
);

export const CloseIcon = ({ size = 16 }: { size?: number }) => (
  <Icon size={size}>
    <path d="m3.5 3.5 9 9m0-9-9 9" />
  </Icon>
);

const LINES = "M2.5 4h11M2.5 8h11M2.5 12h6.5";

export const ListIcon = () => (
  <Icon>
    <path d={LINES} />
  </Icon>
);

export const DownIcon = () => (
  <Icon>
    <path d="M8 3v10m-4-4 4 4 4-4" />
  </Icon>
);

export const FoldIcon = () => (
  <Icon size={12}>
    <path d="m5.5 3 5 5-5 5" />
  </Icon>
);

const THUMB = "M5.25 7v6.25M5.25 7.25 7.5 2.5c.95 0 1.6.7 1.6 1.6v2.4h3a1.4 1.4 0 0 1 1.38 1.65l-.72 4A1.4 1.4 0 0 1 11.4 13.25H2.75v-6.25h2.5";

export const ThumbIcon = ({ down }: { down: boolean }) => (
  <Icon>
    <path d={THUMB} transform={down ? "rotate(180 8 8)" : undefined} />
  </Icon>
);

export const RetryIcon = () => (
  <Icon size={14}>
    <path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v2.75h-2.75" />
  </Icon>
);

export const QuoteIcon = () => (
  <Icon size={14}>
    <path d="M6.5 5C4.5 5.2 3.25 6.5 3.25 8.75V11H6.5V8H3.4M12.75 5C10.75 5.2 9.5 6.5 9.5 8.75V11h3.25V8h-3.1" />
  </Icon>
);

/** The launcher's sign: a speech bubble with a footnote's number. */
export const AskIcon = () => (
  <Icon size={28}>
    <path
      d="M14 4.5c5.8 0 10 3.6 10 8.4s-4.2 8.4-10 8.4c-1.2 0-2.4-.2-3.4-.5L5 23.5l1.4-4.6C4.9 17.3 4 15.2 4 12.9 4 8.1 8.2 4.5 14 4.5ZM12.4 10.3l2.2-1.5v8"
      transform="scale(.57)"
      stroke-width="1.75"
    />
  </Icon>
);

export function KindIcon({ kind }: { kind: Kind }) {
  switch (kind) {
    case "video":
      return (
        <Icon size={14}>
          <rect x="1.75" y="3.25" width="12.5" height="9.5" rx="2" />
          <path d="m6.75 6 3.25 2-3.25 2z" fill="currentColor" />
        </Icon>
      );
    case "audio":
      return (
        <Icon size={14}>
          <rect x="5.75" y="1.75" width="4.5" height="7.5" rx="2.25" />
          <path d="M3.25 7.5a4.75 4.75 0 0 0 9.5 0M8 12.25v2" />
        </Icon>
      );
    case "article":
      return (
        <Icon size={14}>
          <path d={LINES} />
        </Icon>
      );
    case "document":
      return (
        <Icon size={14}>
          <path d="M9 1.75H4.25A1 1 0 0 0 3.25 2.75v10.5a1 1 0 0 0 1 1h7.5a1 1 0 0 0 1-1V5.5zM9 1.75V5.5h3.75" />
        </Icon>
      );
  }
}
