// Every sentence of the page around the widget.

export const pageTexts = {
  tagline: "Answers with their sources",
  creators: "Creator",
  everyoneBio: "Ask all creators at once and see where they agree, and where they do not.",
  pieces: (count: number) => (count === 1 ? "1 piece" : `${count} pieces`),
  topics: "Topics",
  theme: { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" },
  unavailable: "The list of creators cannot be read at the moment.",
  saved: {
    actions: (title: string) => `What to do with “${title}”`,
    rename: "Rename",
    title: "New title",
    save: "Save",
    cancel: "Cancel",
    asMarkdown: "Export to read (Markdown)",
    asJson: "Export as data (JSON)",
    renamed: (title: string) => `Renamed to “${title}”.`,
    deleteAll: "Delete all conversations",
    askDeleteAll: "Delete all of your conversations here? They cannot be brought back.",
    deletedAll: "Your conversations are deleted.",
    exported: (name: string) => `Saved as ${name}.`,
  },
} as const;
