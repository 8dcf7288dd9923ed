// The page at `/`: index.html with its own script and style sheet. Runs first and empties dist.
import { defineConfig, mergeConfig } from "vite";
import { shared } from "./vite.shared.ts";

export default defineConfig(
  mergeConfig(shared, {
    build: {
      outDir: "dist",
      emptyOutDir: true,
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
    },
  }),
);
