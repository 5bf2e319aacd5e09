// Starts GraphiQL on this page with the example tabs of the journey; everything it loads comes from this origin.
import { makeFetcher } from "./fetcher.js";
import { SeenIds } from "./seen-ids.js";
import { makeStorage } from "./storage.js";

const { React, ReactDOM, GraphiQL } = globalThis;
const element = React.createElement;
const ENDPOINT = new URL("../../graphql", import.meta.url);

// GraphiQL's dialogs add a style element to lock scrolling; they take its nonce from this global.
globalThis.__webpack_nonce__ = document.querySelector("meta[name=style-nonce]").nonce;

async function exampleTabs() {
  const answer = await fetch(new URL("examples.json", import.meta.url), { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`the example tabs could not be loaded (status ${answer.status})`);
  return answer.json();
}

// An address in an answer (a launchUrl, a docsUrl) can be opened from the tooltip instead of being copied.
function LinkTooltip({ token }) {
  const address = /^"(https?:\/\/[^"\\\s]+)"$/.exec(token.string)?.[1];
  if (!address) return null;
  return element("a", { className: "patchbay-link", href: address, target: "_blank", rel: "noopener noreferrer" }, "Open in a new tab");
}

function explorer(defaultTabs) {
  const properties = {
    fetcher: makeFetcher(ENDPOINT, new SeenIds()),
    storage: makeStorage({ "graphiql:variables": defaultTabs[0].variables }),
    defaultTabs,
    defaultEditorToolsVisibility: "variables",
    isHeadersEditorEnabled: true,
    shouldPersistHeaders: false,
    showPersistHeadersSettings: false,
    inputValueDeprecation: true,
    schemaDescription: true,
    responseTooltip: LinkTooltip,
  };
  return element(GraphiQL, properties, element(GraphiQL.Logo, null, "Patchbay"));
}

const place = document.getElementById("graphiql");
try {
  const tabs = await exampleTabs();
  ReactDOM.createRoot(place).render(explorer(tabs));
} catch (failure) {
  place.className = "patchbay-failure";
  place.textContent = `GraphiQL could not start: ${failure.message}. Reload the page; if it stays, look at the server's log.`;
}
