// What both builds have in common: JSX for Preact and browsers that know light-dark() and nesting.
import type { UserConfig } from "vite";

export const shared: UserConfig = {
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    cssTarget: ["chrome123", "safari17.5", "firefox120"],
    reportCompressedSize: false,
  },
};
