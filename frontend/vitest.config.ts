// Unit and component tests run in jsdom; transport tests ask for the Node environment themselves.
import { defineConfig, mergeConfig } from "vitest/config";
import { shared } from "./vite.shared.ts";

export default defineConfig(
  mergeConfig(shared, {
    test: { environment: "jsdom", include: ["tests/**/*.test.{ts,tsx}"], testTimeout: 15_000 },
  }),
);
