import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["dist/", "node_modules/"] },
  ...tseslint.configs.recommended,
  {
    rules: {
      eqeqeq: "error",
      "max-lines": ["error", 300],
      "no-console": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "off",
    },
  },
  { files: ["scripts/**"], rules: { "no-console": "off" } },
);
