// Where in its document a source lies, and from when it is.
import type { Source } from "../protocol/source";

/** 192 → "3:12", 3792 → "1:03:12". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = String(rest).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${padded}` : `${minutes}:${padded}`;
}

export function placeOf({ startSeconds, heading }: Source): string | null {
  return startSeconds === null ? heading : clock(startSeconds);
}

/** "12 Mar 2024"; a date without a time is taken as it stands, in no one's time zone. */
export function dayOf(date: string | null): string | null {
  if (date === null) return null;
  const time = Date.parse(date);
  if (Number.isNaN(time)) return null;
  return new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }).format(time);
}
