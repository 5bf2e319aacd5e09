// Runs the audits of GraphQL over HTTP against a server: node audits.mjs <url>; prints one JSON line per audit.
import { serverAudits } from "graphql-http";

const url = process.argv[2];

// A GET request has to carry a header that forces a CORS preflight; that is ours to add, the audits do not know it.
const fetchFn = (input, init = {}) => {
  const headers = new Headers(init.headers);
  headers.set("graphql-require-preflight", "1");
  return fetch(input, { ...init, headers });
};

for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name } = audit;
  const result = await audit.fn();
  console.log(JSON.stringify({ id, name, status: result.status, reason: result.reason ?? null }));
}
