// What GraphiQL may keep in the browser: how it looks. Documents, variables, headers and history can hold secrets
// (a client secret, an API key, a token), so they live in memory and end with the page. `start` is what the memory
// holds at first: GraphiQL reads the first tab's variables from there alone.
const LOOKS = /^graphiql:(theme|docExplorerFlex|editorFlex|secondaryEditorFlex)$/;

export function makeStorage(start) {
  const memory = new Map(Object.entries(start));
  const lasting = lastingStorage();
  const lasts = (key) => lasting !== null && LOOKS.test(key);
  return {
    getItem: (key) => (lasts(key) ? lasting.getItem(key) : (memory.get(key) ?? null)),
    setItem: (key, value) => void (lasts(key) ? lasting.setItem(key, value) : memory.set(key, value)),
    removeItem: (key) => void (lasts(key) ? lasting.removeItem(key) : memory.delete(key)),
    clear: () => memory.clear(),
    get length() {
      return memory.size;
    },
  };
}

// A browser that refuses storage to the page throws at the first look.
function lastingStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}
