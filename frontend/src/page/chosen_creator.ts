// Which creator the page is about: kept in the address, so that it can be shared and survives a reload.

export function chosenCreator(search: string = location.search): string | null {
  return new URLSearchParams(search).get("creator") || null;
}

export function addressFor(slug: string | null, href: string = location.href): string {
  const url = new URL(href);
  if (slug === null) url.searchParams.delete("creator");
  else url.searchParams.set("creator", slug);
  return url.href;
}
