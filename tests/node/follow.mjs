// Follows a subscription with graphql-ws to its end: node follow.mjs '{"url", "token", "query", "variables"}'.
// Prints one JSON line per result; exits 0 when the server completes.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const { url, token, query, variables } = JSON.parse(process.argv[2]);
const client = createClient({
  url,
  webSocketImpl: WebSocket,
  connectionParams: () => ({ authorization: `Bearer ${token}` }),
  retryAttempts: 0,
});

client.subscribe(
  { query, variables },
  {
    next: (result) => console.log(JSON.stringify(result)),
    error: (reason) => {
      console.error(JSON.stringify(reason, ["message", "code", "reason"]));
      process.exitCode = 1;
    },
    complete: () => client.dispose(),
  },
);
