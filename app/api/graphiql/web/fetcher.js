// Sends GraphiQL's operations: queries and mutations by HTTP, subscriptions by graphql-transport-ws.
// The session cookie goes along by itself (same origin); a token typed into the Headers tab goes along in both.
const ANSWER_TYPES = "application/graphql-response+json, application/json";
const NORMAL_CLOSURE = 1000;

export function makeFetcher(endpoint, seenIds) {
  const socketFor = makeSockets(endpoint);
  return async (params, { headers = {}, documentAST } = {}) => {
    const { variables, missing } = seenIds.fill(params.variables);
    if (missing) return problem(missing);
    const operation = { ...params, variables };
    if (kindOf(documentAST, params.operationName) !== "subscription") {
      return seenIds.learn(await post(endpoint, operation, headers));
    }
    return follow(socketFor(authorizationIn(headers)), operation, seenIds);
  };
}

function kindOf(documentAST, operationName) {
  const operations = (documentAST?.definitions ?? []).filter((part) => part.kind === "OperationDefinition");
  const chosen = operations.find((part) => part.name?.value === operationName) ?? operations[0];
  return chosen?.operation;
}

async function post(endpoint, operation, headers) {
  const sent = new Headers(headers);
  sent.set("content-type", "application/json");
  sent.set("accept", ANSWER_TYPES);
  const body = JSON.stringify(operation);
  const answer = await fetch(endpoint, { method: "POST", credentials: "same-origin", headers: sent, body });
  const text = await answer.text();
  try {
    return JSON.parse(text);
  } catch {
    return problem(`The server answered with status ${answer.status} and no JSON: ${text.slice(0, 500)}`);
  }
}

// One socket per credential: the payload of connection_init is all that a socket ever proves itself with.
function makeSockets(endpoint) {
  const url = new URL(endpoint);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  let current = null;
  return (authorization) => {
    if (current?.authorization === authorization) return current.client;
    current?.client.dispose();
    const connectionParams = authorization ? { authorization } : {};
    // No silent retry: it would repeat the original variables, so a replay would show old news as new.
    const client = globalThis.graphqlWs.createClient({ url: url.href, connectionParams, retryAttempts: 0 });
    current = { authorization, client };
    return client;
  };
}

function authorizationIn(headers) {
  return new Headers(headers).get("authorization");
}

function follow(client, operation, seenIds) {
  return {
    subscribe(sink) {
      const unsubscribe = client.subscribe(operation, {
        next: (result) => sink.next(seenIds.learn(result)),
        error: (reason) => {
          sink.next(Array.isArray(reason) ? { errors: reason } : problem(readable(reason)));
          sink.complete();
        },
        complete: () => sink.complete(),
      });
      return { unsubscribe };
    },
  };
}

function readable(reason) {
  if (typeof reason?.code !== "number") return reason?.message ?? "The subscription failed.";
  if (reason.code === NORMAL_CLOSURE) return "The socket was closed. Press play to follow again.";
  const why = reason.reason || "no reason given; if you are not signed in, that is the usual one";
  return `The socket closed with code ${reason.code} (${why}). Press play to follow again.`;
}

function problem(message) {
  return { errors: [{ message }] };
}
