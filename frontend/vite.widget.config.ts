// The widget: one classic script with a stable name, so that a site can carry it in one tag.
import { defineConfig, mergeConfig } from "vite";
import { shared } from "./vite.shared.ts";

export default defineConfig(
  mergeConfig(shared, {
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
