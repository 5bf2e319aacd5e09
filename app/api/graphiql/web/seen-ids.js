// Saves copying ids between tabs: a variable that reads "{{connectionId}}" is sent as the id of the last connection
// that an answer on this page showed. Ids tell their kind by their prefix; lists are not learnt from, being ambiguous.
const KINDS = { conn: "connectionId", auth: "authorizationId", run: "runId" };
const PLACEHOLDER = /^\{\{(\w+)\}\}$/;

export class SeenIds {
  #latest = new Map();

  learn(result) {
    this.#walk(result?.data);
    return result;
  }

  // Answers the variables to send, or `missing`: what to do about a placeholder that nothing on the page has filled yet.
  fill(variables) {
    const unknown = new Set();
    const filled = replaceStrings(variables, (text) => {
      const name = PLACEHOLDER.exec(text)?.[1];
      if (!name) return text;
      if (!this.#latest.has(name)) unknown.add(name);
      return this.#latest.get(name);
    });
    return { variables: filled, missing: unknown.size ? adviceFor([...unknown]) : null };
  }

  #walk(value) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return;
    const kind = typeof value.id === "string" && KINDS[value.id.split("_")[0]];
    if (kind) this.#latest.set(kind, value.id);
    Object.values(value).forEach((part) => this.#walk(part));
  }
}

function replaceStrings(value, replace) {
  if (typeof value === "string") return replace(value);
  if (Array.isArray(value)) return value.map((part) => replaceStrings(part, replace));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replaceStrings(part, replace)]));
}

function adviceFor(names) {
  return `No answer on this page has shown ${names.join(" or ")} yet: run the tab that does (see the comment above), or write the id into the variables.`;
}
