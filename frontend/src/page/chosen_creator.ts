// Which creator the page is about, and for which site: kept in the address, so that it can be shared and survives a reload.

export function chosenCreator(search: string = location.search): string | null {
  return new URLSearchParams(search).get("creator") || null;
}

/** The site that the page is shown for, in a frame of it. */
export function chosenSite(search: string = location.search): string | null {
  return new URLSearchParams(search).get("site") || null;
}

export function addressFor(slug: string | null, href: string = location.href): string {
  const url = new URL(href);
  if (slug === null) url.searchParams.delete("creator");
  else url.searchParams.set("creator", slug);
  return url.href;
}
