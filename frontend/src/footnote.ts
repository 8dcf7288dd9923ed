// Entry of footnote.js: <script src="https://host/footnote.js" data-creator="slug" data-theme="auto" defer></script>
import { launch } from "./element/launch";

launch(document.currentScript);
