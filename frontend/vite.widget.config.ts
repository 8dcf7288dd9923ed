// The widget: one classic script with a stable name, so that a site can carry it in one tag.
import { defineConfig, mergeConfig, type Plugin } from "vite";
import { shared } from "./vite.shared.ts";

/** A host page may be read in any encoding, so the script is written in ASCII. */
const asciiOnly: Plugin = {
  name: "ascii-only",
  generateBundle(_, bundle) {
    for (const file of Object.values(bundle)) {
      if (file.type === "chunk") {
        file.code = file.code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
      }
    }
  },
};

export default defineConfig(
  mergeConfig(shared, {
    plugins: [asciiOnly],
    publicDir: false,
    build: {
      outDir: "dist",
      emptyOutDir: false,
      lib: {
        entry: "src/footnote.ts",
        name: "Footnote",
        formats: ["iife"],
        fileName: () => "footnote.js",
      },
    },
  }),
);
