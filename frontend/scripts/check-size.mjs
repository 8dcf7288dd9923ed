// Fails the build when the widget has outgrown what a guest on somebody's site may weigh.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT_KB = 47;
const file = new URL("../dist/footnote.js", import.meta.url);
const script = readFileSync(file);
const gzippedKb = gzipSync(script, { level: 9 }).length / 1000;
const line = `footnote.js is ${gzippedKb.toFixed(1)} kB gzipped; the limit is ${LIMIT_KB} kB`;

if (gzippedKb > LIMIT_KB) {
  console.error(line);
  process.exit(1);
}
if (script.some((byte) => byte > 0x7f)) {
  console.error("footnote.js must be plain ASCII: host pages may be read in any encoding");
  process.exit(1);
}
console.log(line);
